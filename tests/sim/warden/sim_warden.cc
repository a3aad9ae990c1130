#include "tests/sim/warden/sim_warden.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

namespace sim {
namespace {

using model::Errc;
using model::Result;
using model::WardenRequest;
using reconcilers::ports::SpawnSpec;
using reconcilers::ports::WardenView;

constexpr std::int32_t killed = 9;  // wait status of a SIGKILL
constexpr std::int32_t stopped = 15;

}  // namespace

struct SimWarden::Socket {
    SimWarden* warden = nullptr;  // null: closed
    WardenView view;
    std::uint64_t last_id = 0;
    std::optional<model::WardenAnswer> answer;
    std::function<void()> wake;

    void close() {
        warden = nullptr;
        if (std::exchange(view.lost, true)) return;
        if (wake) wake();
    }
};

class SimWarden::Client final : public reconcilers::ports::Warden {
public:
    explicit Client(std::shared_ptr<Socket> socket) : socket_{std::move(socket)} {}
    ~Client() override { socket_->wake = {}; }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Result<void> hold_until(model::Instant valid_until) override {
        return ask({.kind = WardenRequest::Kind::hold_until, .valid_until = valid_until});
    }
    Result<void> start_backend(const SpawnSpec& spec) override {
        WardenRequest request{.kind = WardenRequest::Kind::start_backend};
        request.spawn = {.command = spec.command, .dir = spec.dir.empty() ? "/" : spec.dir};
        return ask(std::move(request));
    }
    Result<void> stop_backend() override {
        return ask({.kind = WardenRequest::Kind::stop_backend});
    }
    Result<void> kill_backend() override {
        return ask({.kind = WardenRequest::Kind::kill_backend});
    }
    Result<void> disarm() override { return ask({.kind = WardenRequest::Kind::disarm}); }
    Result<void> claim(const std::string& incarnation) override {
        return ask({.kind = WardenRequest::Kind::claim, .text = incarnation});
    }
    Result<void> watch(const model::WardenTarget& target) override {
        return ask({.kind = WardenRequest::Kind::watch, .target = target});
    }
    Result<void> forget(const model::WardenTarget& target) override {
        return ask({.kind = WardenRequest::Kind::forget, .target = target});
    }
    WardenView view() override { return socket_->view; }
    void on_change(std::function<void()> wake) override { socket_->wake = std::move(wake); }

private:
    Result<void> ask(WardenRequest request) {
        // The answer may come with a strike that closes the socket: it is held until read.
        const auto socket = socket_;
        if (socket->warden == nullptr)
            return model::error(Errc::fenced,
                                "the warden is gone: nothing may be started any more");
        request.id = ++socket->last_id;
        socket->answer.reset();
        auto& warden = *socket->warden;
        warden.perform(warden.core_.request(request, warden.clock_.now()));
        if (!socket->answer)
            return model::error(Errc::fenced,
                                "the warden is gone: nothing may be started any more");
        if (socket->answer->failure) return *socket->answer->failure;
        return {};
    }

    std::shared_ptr<Socket> socket_;
};

SimWarden::SimWarden(warden::Settings settings,
                     std::optional<warden::Saved>& file,
                     const reconcilers::ports::Clock& clock,
                     SimBackend& backend,
                     Machine machine)
    : file_{file},
      clock_{clock},
      backend_{backend},
      machine_{std::move(machine)},
      core_{std::move(settings), file} {}

SimWarden::~SimWarden() { close_socket(); }

void SimWarden::begin() { perform(core_.begin(clock_.now())); }

void SimWarden::step() {
    if (exited_) return;
    perform(core_.tick(clock_.now()));
}

std::unique_ptr<reconcilers::ports::Warden> SimWarden::connect() {
    model::check(socket_ != nullptr, "SimWarden::connect without a node process");
    return std::make_unique<Client>(socket_);
}

void SimWarden::node_died(std::int32_t wait_status) {
    close_socket();
    perform(core_.node_died(wait_status, clock_.now()));
}

void SimWarden::backend_died(std::int32_t wait_status) {
    if (backend_.alive) end_backend(wait_status);
}

void SimWarden::target_appeared() { perform(core_.targets_seen(clock_.now())); }

void SimWarden::terminate() { perform(core_.terminate(clock_.now())); }

void SimWarden::strike_now() { perform(core_.strike_now(clock_.now())); }

void SimWarden::crash() {
    close_socket();
    if (std::exchange(backend_.alive, false)) backend_.died();
    exited_ = 128 + killed;
}

void SimWarden::perform(warden::Actions actions) {
    std::move(actions.begin(), actions.end(), std::back_inserter(actions_));
    if (std::exchange(performing_, true)) return;
    while (!actions_.empty()) {
        const auto action = std::move(actions_.front());
        actions_.pop_front();
        carry_out(action);
    }
    performing_ = false;
}

void SimWarden::carry_out(const warden::Action& action) {
    std::visit(
        [this](const auto& what) {
            using What = std::decay_t<decltype(what)>;
            if constexpr (std::is_same_v<What, warden::KillNode>) {
                close_socket();
                machine_.kill_node();
            } else if constexpr (std::is_same_v<What, warden::TermNode>) {
                machine_.term_node();
            } else if constexpr (std::is_same_v<What, warden::SpawnNode>) {
                socket_ = std::make_shared<Socket>();
                socket_->warden = this;
                machine_.spawn_node();
            } else if constexpr (std::is_same_v<What, warden::SpawnBackend>) {
                if (!backend_.refuses.empty()) {
                    perform(core_.backend_failed(backend_.refuses, clock_.now()));
                    return;
                }
                backend_.alive = true;
                backend_.started();
                perform(core_.backend_spawned(++last_pid_, 1, clock_.now()));
                perform(core_.backend_started(clock_.now()));
            } else if constexpr (std::is_same_v<What, warden::StopBackend>) {
                if (backend_.alive && backend_.ignores_stop) backend_.stop_asked();
                if (backend_.alive && !backend_.ignores_stop) end_backend(stopped);
            } else if constexpr (std::is_same_v<What, warden::KillBackend>) {
                kill_backend();
            } else if constexpr (std::is_same_v<What, warden::EndTargets>) {
                bool clear = true;
                for (const auto& target : core_.saved().targets)
                    clear = machine_.end_target(target) && clear;
                if (clear) perform(core_.targets_clear(clock_.now()));
            } else if constexpr (std::is_same_v<What, warden::Save>) {
                file_ = core_.saved();
            } else if constexpr (std::is_same_v<What, warden::Tell>) {
                if (!socket_) return;
                const auto& status = what.answer.status;
                const WardenView view{.valid_until = status.valid_until,
                                      .backend_running = status.backend_running,
                                      .backend_pid = status.backend_pid,
                                      .backend_starts = status.backend_starts,
                                      .backend_status = status.backend_exit,
                                      .incarnation = status.incarnation};
                if (what.answer.id == socket_->last_id && what.answer.id != 0)
                    socket_->answer = what.answer;
                if (std::exchange(socket_->view, view) != view && socket_->wake) socket_->wake();
            } else if constexpr (std::is_same_v<What, warden::Say>) {
                machine_.say(what);
            } else if constexpr (std::is_same_v<What, warden::Exit>) {
                exited_ = what.status;
            }
        },
        action);
}

void SimWarden::kill_backend() {
    if (!backend_.alive) {
        perform(core_.backend_gone(clock_.now()));
    } else if (!backend_.unkillable) {
        end_backend(killed);
    }
}

void SimWarden::end_backend(std::int32_t wait_status) {
    backend_.alive = false;
    backend_.died();
    perform(core_.backend_exited(wait_status, clock_.now()));
    perform(core_.backend_gone(clock_.now()));
}

void SimWarden::close_socket() {
    if (const auto socket = std::exchange(socket_, nullptr)) socket->close();
}

}  // namespace sim
