#include "app/board.h"

namespace app {

void SharedBoard::wake() const {
    for (const auto& waker : wakers_)
        waker();
}

void SharedBoard::write(const reconcilers::RoleView& view) {
    {
        const std::lock_guard lock{mutex_};
        if (!is_news(board_.role, view)) return;
        board_.role = view;
    }
    wake();
}

void SharedBoard::write(const reconcilers::ReplicaView& view) {
    {
        const std::lock_guard lock{mutex_};
        const bool news = is_news(board_.replica, view);
        board_.replica = view;
        if (!news) return;
    }
    wake();
}

void SharedBoard::write(const reconcilers::BackendView& view) {
    {
        const std::lock_guard lock{mutex_};
        if (!is_news(board_.backend, view)) return;
        board_.backend = view;
    }
    wake();
}

void SharedBoard::write(const reconcilers::MembershipView& view, const model::NodeStatus& status) {
    {
        const std::lock_guard lock{mutex_};
        status_ = status;
        const bool news = is_news(board_.membership, view);
        board_.membership = view;
        if (!news) return;
    }
    wake();
}

void SharedBoard::turned(const std::string& loop, model::Instant at) {
    const std::lock_guard lock{mutex_};
    turns_[loop] = at;
}

void SharedBoard::shut_down() {
    {
        const std::lock_guard lock{mutex_};
        board_.shutdown = true;
    }
    wake();
}

}  // namespace app
