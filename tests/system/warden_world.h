// A warden with a node process controlled by the test, in a temporary directory; everything is
// removed at the end of the test.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/time.h"
#include "model/warden_list.h"

namespace tests {

/// Polls every two milliseconds, up to this long.
[[nodiscard]] bool eventually(const std::function<bool()>& holds,
                              std::chrono::milliseconds limit = std::chrono::seconds{10});

/// Exists and is not a zombie.
[[nodiscard]] bool lives(pid_t pid);

[[nodiscard]] std::string read_file(const std::string& path);

/// A process started by the test, killed at its end.
class Bystander {
public:
    explicit Bystander(std::vector<std::string> env = {});
    ~Bystander();
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
};

/// The test's socket to one fake node process.
class NodeLink {
public:
    explicit NodeLink(int fd);
    ~NodeLink();
    NodeLink(const NodeLink&) = delete;
    NodeLink& operator=(const NodeLink&) = delete;

    /// The answer; "" when the process died instead.
    std::string ask(const std::string& command);
    /// The value of NAME=value in its view of the warden.
    std::string view(const std::string& name);
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    int fd_;
    pid_t pid_ = 0;
};

class WardenWorld : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    struct Start {
        std::vector<std::string> options;  // arguments before the --
        std::vector<std::string> node;     // arguments after the fake node's directory
        std::function<void()> in_child;    // runs before the exec
        std::string node_program;          // "": the fake node
        std::string state_file;            // "": that of files()
        // of its list, after the two backends that are always there
        std::vector<model::WardenItem> items{};
    };
    /// Starts the warden; its output goes to log(). Its list begins with two backends that run the
    /// text after the fake node's "start": one as the test's user without an environment, one as
    /// nobody.
    void start_warden(const Start& start);
    void start_warden() { start_warden(Start{}); }
    /// Waits for the next node process.
    std::unique_ptr<NodeLink> next_node();
    /// Wait status of the warden.
    std::optional<int> wait_warden(std::chrono::milliseconds limit = std::chrono::seconds{15});
    /// Runs a warden to its end; returns exit status and output.
    std::pair<int, std::string> run_warden(const std::vector<std::string>& arguments);

    [[nodiscard]] std::vector<std::string> files() const;
    [[nodiscard]] std::string path(const std::string& name) const {
        return directory_ + "/" + name;
    }
    [[nodiscard]] std::string log() const { return read_file(path("log")); }
    [[nodiscard]] pid_t pid_in(const std::string& name) const;
    /// Shell text that starts a detached grandchild and keeps running; their pids go to the files
    /// `child` and `grandchild`.
    [[nodiscard]] std::string family() const;

private:
    [[nodiscard]] int open_list(std::vector<model::WardenItem> items) const;

protected:
    std::string directory_;
    pid_t warden_ = 0;
    bool cgroup_ = true;
    int listener_ = -1;
};

[[nodiscard]] model::Instant now();

/// The strike time, half a margin before the deadline in the answer "ok until=123".
[[nodiscard]] model::Instant strike_time(const std::string& held);

}  // namespace tests
