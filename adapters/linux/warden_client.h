// The node process's side of the socket to its warden.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "model/result.h"
#include "model/second_belt.h"
#include "reconcilers/ports/warden.h"

namespace adapters::linux_host {

/// reconcilers::ports::Warden over the descriptor inherited from the warden ("--fd N").
/// Thread-safe; requests are sent one at a time. Each call returns within 100 ms. A thread of its
/// own reads the warden's messages.
class WardenClient final : public reconcilers::ports::Warden {
public:
    /// Takes ownership of the descriptor. invalid: it is not a socket of this kind.
    [[nodiscard]] static model::Result<std::unique_ptr<WardenClient>> attach(int fd);
    ~WardenClient() override;
    WardenClient(const WardenClient&) = delete;
    WardenClient& operator=(const WardenClient&) = delete;

    [[nodiscard]] model::Result<void> set_deadline(model::Instant valid_until) override;
    [[nodiscard]] model::Result<void> start_backend(model::WardenEntry entry) override;
    [[nodiscard]] model::Result<void> stop_backend() override;
    [[nodiscard]] model::Result<void> kill_backend() override;
    [[nodiscard]] model::Result<void> disarm() override;
    [[nodiscard]] model::Result<void> claim(const std::string& incarnation) override;
    [[nodiscard]] model::Result<void> register_target(model::WardenEntry entry) override;
    [[nodiscard]] model::Result<void> unregister_target(model::WardenEntry entry) override;

    /// The state in the last message; waits up to 100 ms for the first one, which the warden sends
    /// at once.
    [[nodiscard]] reconcilers::ports::WardenView view() override;
    /// `wake` is called on the reading thread, without a lock held; {} removes it. When this
    /// returns, the previous function is not running and will not be called again.
    void on_change(std::function<void()> wake) override;

    /// The warden's, which is this process's parent; 0: whoever is at the other end is not.
    [[nodiscard]] pid_t warden_pid() const { return warden_pid_; }

    /// For whoever acts in the warden's place. What is known of it now; waits for nothing.
    struct Heard {
        model::WardenWatch watch;
        reconcilers::ports::WardenView view;
        friend bool operator==(const Heard&, const Heard&) = default;
    };
    [[nodiscard]] Heard heard();
    /// `wake` is called where heard() has changed, otherwise as on_change().
    void on_heard(std::function<void()> wake);
    /// Shows in the view until the warden is heard of again.
    void note_struck(std::string what);

private:
    class Reader;
    WardenClient(std::unique_ptr<Reader> reader, pid_t warden_pid);
    std::unique_ptr<Reader> reader_;
    pid_t warden_pid_;
};

}  // namespace adapters::linux_host
