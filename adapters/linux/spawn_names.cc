#include "adapters/linux/spawn_names.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "config/escape.h"
#include "model/ids.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using model::Result;
using reconcilers::ports::SpawnSpec;

constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
};

bool runnable(const std::string& path) {
    struct stat what {};
    return ::stat(path.c_str(), &what) == 0 && S_ISREG(what.st_mode) && (what.st_mode & 0111) != 0;
}

std::vector<std::string> directories_of(const SpawnSpec& spec) {
    const auto path = spec.env.find("PATH");
    std::string_view rest = path == spec.env.end() ? default_path : std::string_view{path->second};
    std::vector<std::string> all;
    while (!rest.empty()) {
        const auto directory = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
        if (directory.starts_with('/')) all.emplace_back(directory);
    }
    return all;
}

Result<void> check_name(const SpawnSpec& spec) {
    if (spec.command.empty() || spec.command.front().empty())
        return model::error(Errc::invalid, "the command is empty");
    const auto& name = spec.command.front();
    if (name.front() != '/' && name.find('/') != std::string::npos)
        return model::error(Errc::invalid, name + ": neither absolute nor a bare name");
    return {};
}

Result<User> find_user(const std::string& name) {
    std::vector<char> buffer(std::size_t{16} * 1024);
    passwd entry{};
    passwd* found = nullptr;
    const auto number = model::parse_number(name);
    const int failure =
        number ? ::getpwuid_r(
                     static_cast<uid_t>(*number), &entry, buffer.data(), buffer.size(), &found)
               : ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return User{entry.pw_uid, entry.pw_gid, entry.pw_name};
    if (number && failure == 0)
        return User{static_cast<uid_t>(*number), static_cast<gid_t>(*number), ""};
    return model::error(Errc::invalid, "no user \"" + name + "\"");
}

Result<gid_t> find_group(const std::string& name) {
    if (const auto number = model::parse_number(name)) return static_cast<gid_t>(*number);
    std::vector<char> buffer(std::size_t{64} * 1024);
    group entry{};
    group* found = nullptr;
    ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) return model::error(Errc::invalid, "no group \"" + name + "\"");
    return entry.gr_gid;
}

Result<void> set_user(model::Spawn& spawn, const SpawnSpec& spec) {
    if (spec.user.empty() && spec.group.empty()) return {};
    User user{::geteuid(), ::getegid(), ""};
    if (!spec.user.empty()) {
        auto found = find_user(spec.user);
        if (!found) return std::move(found).error();
        user = *found;
    }
    if (!spec.group.empty()) {
        auto found = find_group(spec.group);
        if (!found) return std::move(found).error();
        user.gid = *found;
    }
    // No right is needed to become the user that the process already runs as.
    if (user.uid == ::geteuid() && user.gid == ::getegid()) return {};
    spawn.change_user = true;
    spawn.uid = user.uid;
    spawn.gid = user.gid;
    spawn.groups = {user.gid};
    if (!user.name.empty()) {
        std::array<gid_t, 256> groups{};
        int count = static_cast<int>(groups.size());
        if (::getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) >= 0)
            spawn.groups.assign(groups.begin(), groups.begin() + count);
    }
    return {};
}

}  // namespace

Result<model::Spawn> resolve(const SpawnSpec& spec) {
    if (auto named = check_name(spec); !named) return std::move(named).error();
    model::Spawn spawn{.command = spec.command,
                       .path = directories_of(spec),
                       .dir = spec.dir.empty() ? "/" : spec.dir};
    if (spawn.dir.front() != '/')
        return model::error(Errc::invalid, "directory \"" + spawn.dir + "\" is not absolute");
    for (const auto& [name, value] : spec.env) {
        if (name.empty() || name.find('=') != std::string::npos)
            return model::error(Errc::invalid, "\"" + name + "\" cannot name a variable");
        auto& variable = spawn.env.emplace_back(name);
        variable += '=';
        variable += value;
    }
    if (auto set = set_user(spawn, spec); !set) return std::move(set).error();
    for (const auto& [name, value] : spec.limits) {
        if (name != "nofile" && name != "core" && name != "as" && name != "nproc")
            return model::error(Errc::invalid,
                                "limit \"" + name + "\" is none of nofile, core, as, nproc");
        spawn.limits.emplace_back(name, value);
    }
    return spawn;
}

Result<std::string> find_program(const SpawnSpec& spec) {
    if (auto named = check_name(spec); !named) return std::move(named).error();
    const auto& name = spec.command.front();
    if (name.front() == '/') {
        if (runnable(name)) return name;
        return model::error(Errc::invalid, name + ": not an executable file");
    }
    for (const auto& directory : directories_of(spec)) {
        auto candidate = directory;
        candidate += '/';
        candidate += name;
        if (runnable(candidate)) return candidate;
    }
    return model::error(Errc::invalid, name + ": not found in PATH");
}

std::string why_it_escapes(const SpawnSpec& spec) {
    auto program = spec;
    program.command = {config::service_program(spec.command)};
    std::string behind_link;
    if (const auto file = find_program(program)) {
        std::error_code failure;
        const auto real = std::filesystem::canonical(*file, failure);
        if (!failure) behind_link = real.filename().string();
    }
    return config::why_it_escapes(program.command.front(), behind_link);
}

}  // namespace adapters::linux_host
