#include "tests/sim/store/sim_server.h"

namespace sim {

using model::Errc;
using model::error;
using model::Result;

SimAnswer SimStream::publish(SimPublish request, std::uint64_t stored_at) {
    const auto wrong = [](std::uint64_t last) {
        return SimAnswer{.refusal = "wrong last sequence: " + std::to_string(last)};
    };
    if (request.expected_last && *request.expected_last != last_) return wrong(last_);
    const auto of_subject = last_of(request.message.subject);
    if (request.expected_last_of_subject && *request.expected_last_of_subject != of_subject)
        return wrong(of_subject);

    if (request.rollup) {
        const auto older = by_subject_[request.message.subject];
        for (const auto sequence : older)
            erase(sequence);
    }
    const auto subject = request.message.subject;
    ++last_;
    request.message.stored_at = stored_at;
    if (subject.starts_with("M.")) metas_.insert(last_);
    messages_[last_] = std::move(request.message);
    auto& all = by_subject_[subject];
    all.insert(last_);
    if (kept_per_subject_ > 0 && all.size() > kept_per_subject_) erase(*all.begin());
    return {.sequence = last_};
}

void SimStream::erase(std::uint64_t sequence) {
    const auto found = messages_.find(sequence);
    if (found == messages_.end()) return;
    const auto subject = by_subject_.find(found->second.subject);
    subject->second.erase(sequence);
    if (subject->second.empty()) by_subject_.erase(subject);
    metas_.erase(sequence);
    messages_.erase(found);
}

void SimStream::lose_last() {
    if (last_ == 0) return;
    erase(last_);
    --last_;
}

std::uint64_t SimStream::first() const {
    if (!messages_.empty()) return messages_.begin()->first;
    return last_ == 0 ? 0 : last_ + 1;
}

std::uint64_t SimStream::last_of(std::string_view subject) const {
    const auto found = by_subject_.find(subject);
    return found == by_subject_.end() ? 0 : *found->second.rbegin();
}

std::uint64_t SimStream::next_of(std::string_view subject, std::uint64_t from) const {
    const auto found = by_subject_.find(subject);
    if (found == by_subject_.end()) return 0;
    const auto next = found->second.lower_bound(from);
    return next == found->second.end() ? 0 : *next;
}

std::uint64_t SimStream::next_meta(std::uint64_t from) const {
    const auto next = metas_.lower_bound(from);
    return next == metas_.end() ? 0 : *next;
}

std::vector<std::string> SimStream::subjects() const {
    std::vector<std::string> all;
    for (const auto& [subject, sequences] : by_subject_)
        all.push_back(subject);
    return all;
}

void SimClient::set_partitioned(bool partitioned) {
    const bool back = partitioned_ && !partitioned;
    partitioned_ = partitioned;
    if (back) reconnect();
}

void SimClient::deliver_late(std::size_t count) {
    for (; count > 0 && !late_.empty(); --count) {
        auto [server, stream, request] = std::move(late_.front());
        late_.pop_front();
        server->publish(stream, std::move(request));
    }
}

void SimClient::reconnect() {
    if (partitioned_) return;
    ++generation_;
    wake();
}

void SimClient::move_to(SimServer& server) {
    server_ = &server;
    reconnect();
}

std::string SimClient::down() const {
    if (partitioned_ || server_->down()) return "not connected";
    return admitted() ? "" : "not connected: the store is another one";
}

void SimClient::wake() const {
    if (partitioned_) return;
    for (const auto& wake : wakers_)
        wake();
}

bool SimClient::count_chunk() {
    if (chunks_left_ == 0) return false;
    --chunks_left_;
    ++chunks_read_;
    return true;
}

SimFault SimClient::next_fault() {
    if (!planned_.empty()) {
        const auto fault = planned_.front();
        planned_.pop_front();
        return fault;
    }
    return faults_ ? faults_() : SimFault::none;
}

Result<SimAnswer> SimClient::publish(const std::string& stream, SimPublish request) {
    if (auto why = down(); !why.empty()) return error(Errc::unavailable, std::move(why));
    if (!server_->find(stream)) return error(Errc::unavailable, "nobody answers there");
    switch (next_fault()) {
        case SimFault::none:
            return server_->publish(stream, std::move(request));
        case SimFault::request_lost:
            break;
        case SimFault::answer_lost:
            server_->publish(stream, std::move(request));
            break;
        case SimFault::late:
            late_.push_back({server_, stream, std::move(request)});
            break;
    }
    return error(Errc::unknown_outcome, "no answer");
}

void SimServer::set_down(bool down) {
    const bool back = down_ && !down;
    down_ = down;
    if (back) restart();
}

std::string SimServer::created(const SimStream& stream) const {
    return (name_.empty() ? "stream " : name_ + " stream ") + std::to_string(stream.created());
}

model::StoreIdentity SimServer::identity(const std::string& election,
                                         const std::string& state,
                                         const std::string& log) {
    const auto of = [this](const std::string& name) {
        const auto* stream = find(name);
        return stream ? created(*stream) : std::string{};
    };
    return {.election = of(election), .state = of(state), .log = of(log)};
}

SimClient& SimServer::client(const std::string& name) {
    auto& client = clients_[name];
    if (!client) client = std::make_unique<SimClient>(*this, name);
    return *client;
}

SimStream& SimServer::ensure(const std::string& stream, std::uint64_t kept_per_subject) {
    const auto [found, created] =
        streams_.try_emplace(stream, streams_created_ + 1, kept_per_subject);
    if (created) ++streams_created_;
    return found->second;
}

SimStream* SimServer::find(const std::string& stream) {
    const auto found = streams_.find(stream);
    return found == streams_.end() ? nullptr : &found->second;
}

SimAnswer SimServer::publish(const std::string& stream, SimPublish request) {
    auto* found = find(stream);
    if (!found) return {.refusal = "no stream"};
    auto answer = found->publish(std::move(request), stored_ + 1);
    if (answer.sequence == 0) return answer;
    ++stored_;
    for (const auto& [name, client] : clients_) {
        if (&client->server() == this) client->wake();
    }
    return answer;
}

std::string SimServer::new_nuid() {
    const auto number = std::to_string(++nuids_);
    return "simulated" + std::string(13 - number.size(), '0') + number;
}

void SimServer::restart() {
    for (const auto& [name, client] : clients_) {
        if (&client->server() == this) client->reconnect();
    }
}

void SimServer::lose_last(const std::string& stream) {
    if (auto* found = find(stream)) found->lose_last();
    restart();
}

}  // namespace sim
