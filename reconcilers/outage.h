// The failures of one operation from the first of them to the next success, for the event log.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace reconcilers {

/// Says which failure is news: each reason once in an outage, however they alternate, so that a
/// second cause behind the first is reported, and a retry each second is not.
class Outage {
public:
    /// Reports of one outage; what comes after them is not news.
    static constexpr std::size_t most_reports = 8;

    /// True: to be reported, this reason is new in this outage.
    [[nodiscard]] bool failed(std::string reason) {
        reason_ = std::move(reason);
        if (reported_.size() == most_reports ||
            std::find(reported_.begin(), reported_.end(), reason_) != reported_.end())
            return false;
        reported_.push_back(reason_);
        return true;
    }
    /// True: to be reported, an outage ends.
    bool succeeded() {
        reason_.clear();
        return !std::exchange(reported_, {}).empty();
    }
    [[nodiscard]] bool ongoing() const { return !reported_.empty(); }
    /// The newest; "" there is no outage.
    [[nodiscard]] const std::string& reason() const { return reason_; }

private:
    std::string reason_;
    std::vector<std::string> reported_;
};

}  // namespace reconcilers
