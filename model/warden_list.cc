#include "model/warden_list.h"

#include <algorithm>
#include <string_view>

#include "model/packet.h"

namespace model {
namespace {

constexpr std::uint32_t magic = 0x314c5257;  // "WRL1"
constexpr std::uint32_t process_kind = 0;    // others are WardenTarget::Kind

bool absolute(std::string_view path) { return !path.empty() && path.front() == '/'; }

// Each name becomes a word or a line of the state file.
bool has_control_characters(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}

void write(PacketWriter& to, const Spawn& spawn) {
    to.number(process_kind);
    to.texts(spawn.command);
    to.texts(spawn.path);
    to.text(spawn.dir);
    to.texts(spawn.env);
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
    to.text(spawn.refused);
}

Spawn read_spawn(PacketReader& from) {
    Spawn spawn;
    spawn.command = from.texts();
    spawn.path = from.texts();
    spawn.dir = from.text();
    spawn.env = from.texts();
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
    spawn.refused = from.text();
    const bool bare =
        !spawn.command.empty() && spawn.command.front().find('/') == std::string::npos;
    if (spawn.command.empty() || spawn.command.front().empty() ||
        (!bare && !absolute(spawn.command.front())))
        from.refuse("the program is neither an absolute path nor a bare name");
    if (!absolute(spawn.dir)) from.refuse("the program's directory is no absolute path");
    if (!std::all_of(spawn.path.begin(), spawn.path.end(), absolute))
        from.refuse("a directory of PATH is no absolute path");
    return spawn;
}

void write(PacketWriter& to, const WardenTarget& target) {
    to.number(static_cast<std::uint32_t>(target.kind));
    to.text(target.name);
    to.text(target.interface);
}

WardenTarget read_target(PacketReader& from, std::uint32_t kind) {
    WardenTarget target{.kind = static_cast<WardenTarget::Kind>(kind)};
    target.name = from.text();
    target.interface = from.text();
    const auto& [_, name, interface] = target;
    const bool cgroup = target.kind == WardenTarget::Kind::cgroup;
    if (!cgroup && target.kind != WardenTarget::Kind::address)
        from.refuse("no target of a kind that is known");
    if (name.empty() || name.size() > target_name_limit || has_control_characters(name))
        from.refuse("the name of a target is too short, too long, or no text");
    if (cgroup && (!absolute(name) || !interface.empty()))
        from.refuse("a cgroup is no absolute path");
    const bool word = !interface.empty() && interface.size() <= interface_limit &&
                      interface.find_first_of(" /") == std::string::npos &&
                      !has_control_characters(interface);
    if (!cgroup && (!word || name.find(' ') != std::string::npos))
        from.refuse("an address or its interface is no name");
    return target;
}

WardenItem read_item(PacketReader& from) {
    const auto kind = from.number<std::uint32_t>();
    if (kind == process_kind) return read_spawn(from);
    return read_target(from, kind);
}

}  // namespace

const Spawn* WardenList::spawn(WardenEntry entry) const {
    return entry.number < items.size() ? std::get_if<Spawn>(&items[entry.number]) : nullptr;
}

const WardenTarget* WardenList::target(WardenEntry entry) const {
    return entry.number < items.size() ? std::get_if<WardenTarget>(&items[entry.number]) : nullptr;
}

Result<Bytes> encode(const WardenList& list) {
    PacketWriter to;
    to.number(magic);
    to.number(static_cast<std::uint32_t>(list.items.size()));
    for (const auto& item : list.items)
        std::visit([&to](const auto& what) { write(to, what); }, item);
    auto bytes = to.take();
    // The warden would refuse to start with a list that it cannot decode: better to fail here.
    auto taken = decode_warden_list(bytes);
    if (!taken) return std::move(taken).error();
    return bytes;
}

Result<WardenList> decode_warden_list(ByteView bytes) {
    if (bytes.size() > warden_list_limit)
        return error(Errc::invalid, "command and environment are larger than 256 KiB");
    PacketReader from{bytes};
    if (from.number<std::uint32_t>() != magic)
        return error(Errc::invalid, "not a list for the warden");
    WardenList list;
    const auto count = from.number<std::uint32_t>();
    if (count > warden_entry_limit) from.refuse("it has more than 32 entries");
    for (std::uint32_t i = 0; i < count && from.good(); ++i)
        list.items.push_back(read_item(from));
    if (auto wrong = from.finish()) return *std::move(wrong);
    return list;
}

}  // namespace model
