#include "app/stepdown.h"

#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include "adapters/sync/mutex.h"
#include "app/client.h"
#include "control/change.h"
#include "control/operations.h"
#include "model/json_text.h"

namespace app {
namespace {

constexpr std::chrono::seconds patience{3};  // of whoever asks

}  // namespace

std::string why_no_stepdown(bool allowed, const reconcilers::Board& board) {
    if (!allowed) return "a step-down by NATS is not allowed here: api.allowRemoteStepdown";
    if (board.role.phase == reconcilers::RoleView::Phase::holder) return {};
    if (board.role.holds()) return "this node is stepping down already";
    return board.role.leader.empty()
               ? "this node does not lead, and there is no leader"
               : "this node does not lead; the leader is " + board.role.leader;
}

std::string stepdown_answer(const std::string& refusal) {
    model::JsonText json;
    json.begin_object().field("ok", refusal.empty());
    if (!refusal.empty()) json.field("error", refusal);
    return json.end_object().take();
}

struct Stepdown::State {
    std::string request() {
        if (auto why = why_no_stepdown(allowed, board.board()); !why.empty()) return why;
        const control::Switchover wanted{.id = new_request_id(), .to = {}, .from = node_id};
        const auto done = control::change_spec(
            store,
            [&wanted](model::Spec spec) {
                return control::request_switchover(std::move(spec), wanted);
            },
            {.clock = clock,
             .wait = [](model::Duration time) { std::this_thread::sleep_for(time); },
             .limit = patience});
        return done ? std::string{} : done.error().message;
    }

    void run(const std::stop_token& stop) {
        for (;;) {
            std::function<void(std::string)> answer;
            {
                const adapters::sync::Lock lock{mutex};
                asked.wait_for(mutex, stop, std::chrono::hours{1}, [this]() REQUIRES(mutex) {
                    return waiting != nullptr;
                });
                if (stop.stop_requested()) return;
                answer = std::exchange(waiting, nullptr);
                if (answer == nullptr) continue;
            }
            answer(stepdown_answer(request()));
        }
    }

    const std::string node_id;
    const bool allowed;
    const SharedBoard& board;
    reconcilers::ports::ClusterStore& store;
    const reconcilers::ports::Clock& clock;
    adapters::sync::Mutex mutex{};
    adapters::sync::Condition asked{};
    std::function<void(std::string)> waiting GUARDED_BY(mutex){};
    std::jthread thread{};
};

Stepdown::Stepdown(std::string node_id,
                   bool allowed,
                   const SharedBoard& board,
                   reconcilers::ports::ClusterStore& store,
                   const reconcilers::ports::Clock& clock)
    : state_{new State{.node_id = std::move(node_id),
                       .allowed = allowed,
                       .board = board,
                       .store = store,
                       .clock = clock}} {
    state_->thread = std::jthread{[this](const std::stop_token& stop) { state_->run(stop); }};
}

Stepdown::~Stepdown() = default;

void Stepdown::ask(std::function<void(std::string)> answer) {
    // What is never allowed is refused at once, and starts nothing.
    if (auto why = why_no_stepdown(state_->allowed, state_->board.board()); !why.empty()) {
        answer(stepdown_answer(why));
        return;
    }
    {
        const adapters::sync::Lock lock{state_->mutex};
        if (state_->waiting == nullptr) {
            state_->waiting = std::move(answer);
            answer = nullptr;
        }
    }
    state_->asked.notify_all();
    if (answer) answer(stepdown_answer("another request is under way"));
}

}  // namespace app
