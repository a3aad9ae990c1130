#include "tests/sim/warden/sim_warden.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace sim {
namespace {

using model::Errc;
using model::Result;
using model::WardenRequest;
using reconcilers::ports::WardenView;

constexpr std::int32_t killed = 9;  // wait status of a SIGKILL
constexpr std::int32_t stopped = 15;

}  // namespace

struct SimWarden::Socket {
    SimWarden* warden = nullptr;                        // null: closed
    WardenView view = reconcilers::ports::to_view({});  // heard, before anything can be asked
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

    Result<void> set_deadline(model::Instant valid_until) override {
        return ask({.kind = WardenRequest::Kind::set_deadline, .valid_until = valid_until});
    }
    Result<void> start_backend(model::WardenEntry entry) override {
        return ask({.kind = WardenRequest::Kind::start_backend, .entry = entry});
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
    Result<void> register_target(model::WardenEntry entry) override {
        return ask({.kind = WardenRequest::Kind::register_target, .entry = entry});
    }
    Result<void> unregister_target(model::WardenEntry entry) override {
        return ask({.kind = WardenRequest::Kind::unregister_target, .entry = entry});
    }
    WardenView view() override { return socket_->view; }
    void on_change(std::function<void()> wake) override { socket_->wake = std::move(wake); }

private:
    Result<void> ask(WardenRequest request) {
        // The answer may come together with a strike that closes the socket: kept until it is read.
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
    queue_.add(std::move(actions));
    if (std::exchange(performing_, true)) return;
    while (const auto action = queue_.next())
        carry_out(*action);
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
            } else if constexpr (std::is_same_v<What, warden::WatchTargets>) {
                perform(core_.targets_watched(what, unwatchable_));
            } else if constexpr (std::is_same_v<What, warden::Reply>) {
                if (!socket_) return;
                const auto view = reconcilers::ports::to_view(what.answer.status);
                if (what.answer.id == socket_->last_id && what.answer.id != 0)
                    socket_->answer = what.answer;
                if (std::exchange(socket_->view, view) != view && socket_->wake) socket_->wake();
            } else if constexpr (std::is_same_v<What, warden::LogEvent>) {
                machine_.log_event(what);
            } else if constexpr (std::is_same_v<What, warden::Exit>) {
                exited_ = what.status;
            }
        },
        action);
}

void SimWarden::kill_backend() {
    if (!backend_.alive) {
        check_backend();
    } else if (!backend_.unkillable) {
        end_backend(killed);
    }
}

void SimWarden::end_backend(std::int32_t wait_status) {
    backend_.alive = false;
    backend_.died();
    perform(core_.backend_exited(wait_status, clock_.now()));
    check_backend();
}

void SimWarden::check_backend() {
    perform(backend_.unknown_because.empty()
                ? core_.backend_gone(clock_.now())
                : core_.backend_unknown(backend_.unknown_because, clock_.now()));
}

void SimWarden::close_socket() {
    if (const auto socket = std::exchange(socket_, nullptr)) socket->close();
}

}  // namespace sim
