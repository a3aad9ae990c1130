// The micro service's `stepdown`: another node asks this one to hand over.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/board.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/cluster_store.h"

namespace app {

/// Why this node does not step down for who asks by NATS; "" it is asked for.
[[nodiscard]] std::string why_no_stepdown(bool allowed, const reconcilers::Board& board);

/// {"ok":true}, or {"ok":false,"error":"..."} with the reason.
[[nodiscard]] std::string stepdown_answer(const std::string& refusal);

/// Makes the request of a switchover away from this node, one at a time, on a thread of its own.
class Stepdown {
public:
    /// allowed: api.allowRemoteStepdown. All of it outlives this.
    Stepdown(std::string node_id,
             bool allowed,
             const SharedBoard& board,
             reconcilers::ports::ClusterStore& store,
             const reconcilers::ports::Clock& clock);
    ~Stepdown();
    Stepdown(const Stepdown&) = delete;
    Stepdown& operator=(const Stepdown&) = delete;

    /// Answers, from any thread, when the request stands or is refused. Does not block.
    void ask(std::function<void(std::string answer)> answer);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace app
