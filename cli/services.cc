#include "cli/services.h"

#include <algorithm>
#include <vector>

#include "cli/command_line.h"
#include "cli/table.h"
#include "cli/watch.h"
#include "model/host_port.h"
#include "model/join.h"
#include "model/wall_time.h"

namespace cli {
namespace {

using Verb = ServicesCommand::Verb;
using Output = ServicesCommand::Output;
using model::FoundServices;
using model::ServiceEntry;

/// Anybody may write to the bucket: nothing of it moves a terminal's cursor.
std::string printable(std::string_view text) {
    std::string safe;
    for (const char c : text)
        safe += (c >= 0 && c < ' ') || c == '\x7f' ? '?' : c;
    return safe;
}

std::string shown(const ServicesCommand& command, const std::vector<ServiceEntry>& entries) {
    switch (command.output) {
        case Output::json:
            return model::services_json(entries);
        case Output::yaml:
            return model::services_yaml(entries);
        case Output::table:
            break;
    }
    return command.verb == Verb::show ? services_text(entries) : services_table(entries);
}

/// On stderr: what was skipped, a few by name.
void report_skipped(const FoundServices& found, const Lines& lines) {
    constexpr std::size_t most_named = 10;
    const auto count = found.unreadable.size();
    if (count == 0) return;
    lines.err("warning: " + std::to_string(count) + " record" + (count == 1 ? "" : "s") +
              " of the registry cannot be read and " + (count == 1 ? "is" : "are") +
              " left out:\n");
    for (std::size_t i = 0; i < std::min(count, most_named); ++i)
        lines.err("  " + printable(found.unreadable[i].reason) + "\n");
    if (count > most_named) lines.err("  and others\n");
}

/// To the file or to stdout.
int write_export(const ServicesCommand& command,
                 std::string_view cluster_id,
                 const std::vector<ServiceEntry>& entries,
                 const ServicesWorld& world,
                 const Lines& lines) {
    const auto text = model::export_services(command.format, cluster_id, entries);
    if (command.file.empty()) {
        lines.out(text);
        return exit_done;
    }
    const auto replaced = world.replace_file(command.file, text);
    return replaced ? exit_done : failed(lines, replaced.error());
}

int follow(const ServicesCommand& command,
           std::string_view cluster_id,
           const ServicesWorld& world,
           const Lines& lines) {
    int status = exit_done;
    bool first = true;
    std::vector<model::UnreadableService> reported;
    world.watch(command.filter, [&](const FoundServices& found) {
        if (!(found.unreadable == reported)) report_skipped(found, lines);
        reported = found.unreadable;
        if (command.verb == Verb::export_) {
            status = write_export(command, cluster_id, found.entries, world, lines);
            return status == exit_done;
        }
        if (!first && command.output == Output::table) lines.out("\n");
        first = false;
        lines.out(shown(command, found.entries));
        return true;
    });
    return status;
}

}  // namespace

std::string services_table(const std::vector<ServiceEntry>& entries) {
    if (entries.empty()) return "No service is registered.\n";
    std::vector<std::vector<std::string>> rows{
        {"SERVICE", "NODE", "ADDRESS", "PORT", "PROTOCOL", "HEALTH", "TAGS"}};
    for (const auto& entry : entries) {
        rows.push_back({printable(entry.name),
                        printable(entry.node_id),
                        printable(entry.address),
                        std::to_string(entry.port),
                        printable(entry.protocol),
                        std::string{to_text(entry.health)},
                        printable(model::join(entry.tags, ","))});
    }
    return table(rows);
}

std::string services_text(const std::vector<ServiceEntry>& entries) {
    std::string text;
    for (const auto& entry : entries) {
        if (!text.empty()) text += "\n";
        text += printable(entry.name + " on " + entry.node_id) + "\n";
        const auto row = [&text](std::string label, const std::string& value) {
            label.resize(13, ' ');
            if (!value.empty()) text += "  " + label + printable(value) + "\n";
        };
        row("Address:", model::to_text({.host = entry.address, .port = entry.port}));
        row("Protocol:", entry.protocol);
        row("Path:", entry.path);
        row("Health:",
            std::string{to_text(entry.health)} +
                (entry.health_reason.empty() ? "" : " (" + entry.health_reason + ")"));
        row("Role:", entry.role);
        row("Tags:", printable(model::join(entry.tags, ", ")));
        for (const auto& [key, value] : entry.metadata)
            row("Metadata:", key + "=" + value);
        row("Internal:", entry.internal ? "yes" : "");
        row("Registered:", model::to_rfc3339(entry.registered_at));
        row("Updated:", model::to_rfc3339(entry.updated_at));
    }
    return text;
}

int run_services(const ServicesCommand& command,
                 std::string_view cluster_id,
                 const ServicesWorld& world,
                 const Lines& lines) {
    if (command.verb == Verb::watch || command.watch)
        return follow(command, cluster_id, world, lines);
    auto found = world.find();
    if (!found) return failed(lines, found.error());
    report_skipped(*found, lines);
    const auto entries = filtered(std::move(found->entries), command.filter);
    if (command.verb == Verb::export_)
        return write_export(command, cluster_id, entries, world, lines);
    if (command.verb == Verb::show && entries.empty()) {
        return failed(
            lines,
            model::error(model::Errc::not_found,
                         "no service \"" + printable(command.filter.name) + "\" is registered"));
    }
    lines.out(shown(command, entries));
    return exit_done;
}

}  // namespace cli
