#include "model/warden_message.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace model {
namespace {

constexpr std::uint32_t request_magic = 0x31515257;  // "WRQ1"
constexpr std::uint32_t answer_magic = 0x31415257;   // "WRA1"
constexpr std::uint32_t list_limit = 4096;

class Writer {
public:
    template <typename T>
    void number(T value) {
        static_assert(std::is_integral_v<T>);
        const auto* from = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), from, from + sizeof value);
    }
    void flag(bool value) { number(static_cast<std::uint8_t>(value)); }
    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        const auto view = as_bytes(value);
        bytes_.insert(bytes_.end(), view.begin(), view.end());
    }
    Bytes take() { return std::move(bytes_); }

private:
    Bytes bytes_;
};

// Fails once and stays failed; the caller asks at the end.
class Reader {
public:
    explicit Reader(ByteView from) : rest_{from} {}

    template <typename T>
    T number() {
        T value{};
        if (!has(sizeof value)) return value;
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_ = rest_.subspan(sizeof value);
        return value;
    }
    bool flag() {
        const auto value = number<std::uint8_t>();
        if (value > 1) good_ = false;
        return value == 1;
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (!has(size)) return {};
        auto value = to_text(rest_.first(size));
        rest_ = rest_.subspan(size);
        if (value.find('\0') != std::string::npos) good_ = false;
        return value;
    }
    std::uint32_t count() {
        const auto value = number<std::uint32_t>();
        if (value > list_limit) good_ = false;
        return good_ ? value : 0;
    }
    void refuse() { good_ = false; }
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool finished() const { return good_ && rest_.empty(); }

private:
    bool has(std::size_t size) {
        if (rest_.size() < size) good_ = false;
        return good_;
    }
    ByteView rest_;
    bool good_ = true;
};

void write_texts(Writer& to, const std::vector<std::string>& values) {
    to.number(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values)
        to.text(value);
}

std::vector<std::string> read_texts(Reader& from) {
    std::vector<std::string> values;
    const auto count = from.count();
    for (std::uint32_t i = 0; i < count && from.good(); ++i)
        values.push_back(from.text());
    return values;
}

void write_spawn(Writer& to, const Spawn& spawn) {
    write_texts(to, spawn.command);
    to.text(spawn.dir);
    write_texts(to, spawn.env);
    to.flag(spawn.change_user);
    to.number(spawn.uid);
    to.number(spawn.gid);
    to.number(static_cast<std::uint32_t>(spawn.groups.size()));
    for (const auto group : spawn.groups)
        to.number(group);
    to.number(static_cast<std::uint32_t>(spawn.limits.size()));
    for (const auto& [name, value] : spawn.limits) {
        to.text(name);
        to.number(value);
    }
}

Spawn read_spawn(Reader& from) {
    Spawn spawn;
    spawn.command = read_texts(from);
    spawn.dir = from.text();
    spawn.env = read_texts(from);
    spawn.change_user = from.flag();
    spawn.uid = from.number<std::uint32_t>();
    spawn.gid = from.number<std::uint32_t>();
    const auto groups = from.count();
    for (std::uint32_t i = 0; i < groups && from.good(); ++i)
        spawn.groups.push_back(from.number<std::uint32_t>());
    const auto limits = from.count();
    for (std::uint32_t i = 0; i < limits && from.good(); ++i) {
        auto name = from.text();
        spawn.limits.emplace_back(std::move(name), from.number<std::uint64_t>());
    }
    if (spawn.command.empty() || spawn.command.front().empty() ||
        spawn.command.front().front() != '/' || spawn.dir.empty() || spawn.dir.front() != '/')
        from.refuse();
    return spawn;
}

bool has_target(WardenRequest::Kind kind) {
    return kind == WardenRequest::Kind::watch || kind == WardenRequest::Kind::forget;
}

WardenTarget read_target(Reader& from) {
    WardenTarget target;
    const auto kind = from.number<std::uint32_t>();
    target.kind = static_cast<WardenTarget::Kind>(kind);
    target.name = from.text();
    target.ifindex = from.number<std::uint32_t>();
    const bool cgroup = target.kind == WardenTarget::Kind::cgroup;
    if ((!cgroup && target.kind != WardenTarget::Kind::address) || target.name.empty() ||
        target.name.size() > target_name_limit || (cgroup && target.name.front() != '/') ||
        (!cgroup && target.ifindex == 0))
        from.refuse();
    return target;
}

bool has_nul(const std::vector<std::string>& values) {
    return std::any_of(values.begin(), values.end(), [](const std::string& value) {
        return value.find('\0') != std::string::npos;
    });
}

std::int64_t to_number(Instant at) { return at.time_since_epoch().count(); }
Instant to_instant(std::int64_t ns) { return Instant{Duration{ns}}; }

}  // namespace

Result<Bytes> encode(const WardenRequest& request) {
    const auto& spawn = request.spawn;
    if (has_nul(spawn.command) || has_nul(spawn.env) ||
        has_nul({spawn.dir, request.text, request.target.name}))
        return error(Errc::invalid, "a NUL inside of a text");
    if (request.text.size() > incarnation_limit)
        return error(Errc::invalid, "incarnation longer than 128 characters");
    Writer to;
    to.number(request_magic);
    to.number(static_cast<std::uint32_t>(request.kind));
    to.number(request.id);
    to.number(to_number(request.valid_until));
    to.text(request.text);
    if (request.kind == WardenRequest::Kind::start_backend) write_spawn(to, spawn);
    if (has_target(request.kind)) {
        to.number(static_cast<std::uint32_t>(request.target.kind));
        to.text(request.target.name);
        to.number(request.target.ifindex);
    }
    auto packet = to.take();
    if (packet.size() > warden_message_limit)
        return error(Errc::invalid, "command and environment are larger than 128 KiB");
    return packet;
}

Result<WardenRequest> decode_warden_request(ByteView packet) {
    using Kind = WardenRequest::Kind;
    Reader from{packet};
    if (from.number<std::uint32_t>() != request_magic) return error(Errc::invalid, "not a request");
    WardenRequest request;
    const auto kind = from.number<std::uint32_t>();
    if (kind < static_cast<std::uint32_t>(Kind::hold_until) ||
        kind > static_cast<std::uint32_t>(Kind::forget))
        return error(Errc::invalid, "unknown kind of request");
    request.kind = static_cast<Kind>(kind);
    request.id = from.number<std::uint64_t>();
    request.valid_until = to_instant(from.number<std::int64_t>());
    request.text = from.text();
    if (request.kind == Kind::start_backend) request.spawn = read_spawn(from);
    if (has_target(request.kind)) request.target = read_target(from);
    if (!from.finished() || request.id == 0 || request.text.size() > incarnation_limit)
        return error(Errc::invalid, "malformed request");
    return request;
}

Bytes encode(const WardenAnswer& answer) {
    Writer to;
    to.number(answer_magic);
    to.number(answer.id);
    to.flag(answer.failure.has_value());
    if (answer.failure) {
        to.number(static_cast<std::uint8_t>(answer.failure->code));
        to.text(answer.failure->message);
    }
    const auto& status = answer.status;
    to.number(to_number(status.valid_until));
    to.flag(status.backend_running);
    to.flag(status.backend_contained);
    to.number(status.backend_pid);
    to.number(status.backend_starts);
    to.flag(status.backend_exit.has_value());
    to.number(status.backend_exit.value_or(0));
    to.text(status.incarnation);
    return to.take();
}

Result<WardenAnswer> decode_warden_answer(ByteView packet) {
    Reader from{packet};
    if (from.number<std::uint32_t>() != answer_magic) return error(Errc::invalid, "not an answer");
    WardenAnswer answer;
    answer.id = from.number<std::uint64_t>();
    if (from.flag()) {
        const auto code = from.number<std::uint8_t>();
        if (code > static_cast<std::uint8_t>(Errc::invalid)) from.refuse();
        answer.failure = error(static_cast<Errc>(code), from.text());
    }
    auto& status = answer.status;
    status.valid_until = to_instant(from.number<std::int64_t>());
    status.backend_running = from.flag();
    status.backend_contained = from.flag();
    status.backend_pid = from.number<std::int32_t>();
    status.backend_starts = from.number<std::uint64_t>();
    const bool died = from.flag();
    const auto exit = from.number<std::int32_t>();
    if (died) status.backend_exit = exit;
    status.incarnation = from.text();
    if (!from.finished()) return error(Errc::invalid, "malformed answer");
    return answer;
}

}  // namespace model
