// A warden with a node process that a test commands, in a folder of its own; all of it is gone at
// the end of the test.
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

namespace tests {

/// Asks again every two milliseconds, for at most this long.
[[nodiscard]] bool eventually(const std::function<bool()>& holds,
                              std::chrono::milliseconds limit = std::chrono::seconds{10});

/// Neither dead nor a zombie.
[[nodiscard]] bool lives(pid_t pid);

[[nodiscard]] std::string read_file(const std::string& path);

/// A process of the test's own, killed at its end.
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

/// The test's end of the socket to one node process.
class NodeLink {
public:
    explicit NodeLink(int fd);
    ~NodeLink();
    NodeLink(const NodeLink&) = delete;
    NodeLink& operator=(const NodeLink&) = delete;

    /// Its answer; "" when it died instead.
    std::string tell(const std::string& command);
    /// The value of NAME=value in its view.
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
        std::vector<std::string> options;  // before the --
        std::vector<std::string> node;     // after the fake node's folder
        std::function<void()> in_child;    // before the exec
        std::string node_program;          // "": the fake node
    };
    /// Starts the warden; its output goes to log().
    void start_warden(const Start& start);
    void start_warden() { start_warden(Start{}); }
    /// The next node process that comes.
    std::unique_ptr<NodeLink> next_node();
    /// Wait status of the warden.
    std::optional<int> wait_warden(std::chrono::milliseconds limit = std::chrono::seconds{15});
    /// Runs a warden to its end: exit status and output.
    std::pair<int, std::string> run_warden(const std::vector<std::string>& arguments);

    [[nodiscard]] std::vector<std::string> files() const;
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::string log() const { return read_file(path("log")); }
    [[nodiscard]] pid_t pid_in(const std::string& name) const;
    /// "sh" text that starts a detached grandchild, and stays: pids in files child and grandchild.
    [[nodiscard]] std::string family() const;

    std::string folder_;
    pid_t warden_ = 0;
    bool cgroup_ = true;
    int listener_ = -1;
};

[[nodiscard]] model::Instant now();

/// Of what a node process was answered, "ok until=123": the strike time, half a margin before it.
[[nodiscard]] model::Instant strike_time(const std::string& held);

}  // namespace tests
