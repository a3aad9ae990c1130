#include "warden/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "model/ids.h"

namespace warden {
namespace {

using model::Errc;

constexpr std::string_view first_line = "convex-cluster-warden 1";

// FNV-1a, 64 bits: against a damaged file, not against a forger, who could write any file here.
std::uint64_t checksum(std::string_view text) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const char c : text) {
        sum ^= static_cast<unsigned char>(c);
        sum *= 0x100000001b3;
    }
    return sum;
}

model::Error failed(std::string_view what, const std::string& path) {
    const int reason = errno;
    return model::error(Errc::unavailable,
                        std::string{what} + " " + path + ": " + std::strerror(reason));
}

// Takes "NAME VALUE\n" off the front of `rest`.
std::optional<std::string> take_line(std::string_view& rest, std::string_view name) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    auto line = rest.substr(0, end);
    if (line.substr(0, name.size()) != name) return {};
    line.remove_prefix(name.size());
    if (line.empty() || line.front() != ' ') return {};
    rest.remove_prefix(end + 1);
    return std::string{line.substr(1)};
}

std::optional<std::string> take_word(std::string& line) {
    const auto end = line.find(' ');
    if (end == std::string::npos) return {};
    auto word = line.substr(0, end);
    line.erase(0, end + 1);
    return word;
}

std::optional<Saved::Backend> parse_backend(std::string line) {
    const auto pid = take_word(line);
    const auto ticks = take_word(line);
    const auto token = take_word(line);
    if (!pid || !ticks || !token || token->empty()) return {};
    const auto pid_number = model::parse_number(*pid);
    const auto ticks_number = model::parse_number(*ticks);
    if (!pid_number || !ticks_number || *pid_number > 0x7fffffff) return {};
    return Saved::Backend{.token = *token,
                          .cgroup = line,
                          .pid = static_cast<std::int32_t>(*pid_number),
                          .start_ticks = *ticks_number};
}

std::optional<model::WardenTarget> parse_target(std::string line) {
    const auto kind = take_word(line);
    const auto ifindex = take_word(line);
    if (!kind || !ifindex || line.empty()) return {};
    const auto kind_number = model::parse_number(*kind);
    const auto ifindex_number = model::parse_number(*ifindex);
    if (!kind_number || *kind_number < 1 || *kind_number > 2 || !ifindex_number ||
        *ifindex_number > UINT32_MAX)
        return {};
    return model::WardenTarget{.kind = static_cast<model::WardenTarget::Kind>(*kind_number),
                               .name = line,
                               .ifindex = static_cast<std::uint32_t>(*ifindex_number)};
}

}  // namespace

std::string to_text(const Saved& saved) {
    std::string text{first_line};
    text += "\nboot " + saved.boot_id;
    text += "\nvalid_until " + std::to_string(saved.valid_until.time_since_epoch().count());
    text += "\nincarnation " + saved.incarnation + "\n";
    if (const auto& backend = saved.backend) {
        text += "backend " + std::to_string(backend->pid) + " " +
                std::to_string(backend->start_ticks) + " " + backend->token + " " +
                backend->cgroup + "\n";
    }
    for (const auto& target : saved.targets)
        text += "target " + std::to_string(static_cast<std::uint32_t>(target.kind)) + " " +
                std::to_string(target.ifindex) + " " + target.name + "\n";
    text += "sum " + model::to_hex16(checksum(text)) + "\n";
    return text;
}

model::Result<Saved> parse_saved(std::string_view text) {
    const auto damaged = model::error(Errc::corrupt, "damaged state file");
    const auto sum_at = text.rfind("sum ");
    if (sum_at == std::string_view::npos) return damaged;
    const auto body = text.substr(0, sum_at);
    if (text.substr(sum_at) != "sum " + model::to_hex16(checksum(body)) + "\n") return damaged;

    auto rest = body;
    if (rest.substr(0, first_line.size() + 1) != std::string{first_line} + "\n") return damaged;
    rest.remove_prefix(first_line.size() + 1);
    auto boot = take_line(rest, "boot");
    auto until = take_line(rest, "valid_until");
    auto incarnation = take_line(rest, "incarnation");
    if (!boot || !until || !incarnation) return damaged;
    const auto ns = model::parse_number(*until);
    if (!ns || *ns > INT64_MAX) return damaged;
    Saved saved{.boot_id = std::move(*boot),
                .valid_until = model::Instant{model::Duration{static_cast<std::int64_t>(*ns)}},
                .incarnation = std::move(*incarnation)};
    if (auto line = take_line(rest, "backend")) {
        saved.backend = parse_backend(std::move(*line));
        if (!saved.backend) return damaged;
    }
    while (auto line = take_line(rest, "target")) {
        auto target = parse_target(std::move(*line));
        if (!target) return damaged;
        saved.targets.push_back(std::move(*target));
    }
    if (!rest.empty()) return damaged;
    return saved;
}

model::Result<std::optional<Saved>> load_state(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        if (errno == ENOENT) return std::optional<Saved>{};
        return failed("open", path);
    }
    std::array<char, std::size_t{64} * 1024> buffer{};
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) {
        auto failure = failed("read", path);
        ::close(fd);
        return failure;
    }
    ::close(fd);
    auto saved = parse_saved({buffer.data(), static_cast<std::size_t>(got)});
    if (!saved) return std::move(saved).error().during(path);
    return std::optional<Saved>{std::move(*saved)};
}

model::Result<void> save_state(const std::string& path, const Saved& saved) {
    const auto text = to_text(saved);
    const auto fresh = path + ".new";
    const int fd =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed("open", fresh);
    const auto written = ::write(fd, text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
        if (written >= 0) errno = ENOSPC;
        auto failure = failed("write", fresh);
        ::close(fd);
        return failure;
    }
    ::close(fd);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("rename", fresh);
    return {};
}

}  // namespace warden
