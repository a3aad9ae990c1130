#include "adapters/linux/host.h"

#include <algorithm>
#include <fstream>

namespace adapters::linux_host {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

bool is_machine_id(const std::string& text) {
    return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

}  // namespace

model::Result<model::Host> host() { return host_below(""); }

model::Result<model::Host> host_below(const std::string& root) {
    model::Host host{.boot_id = first_line(root + "/proc/sys/kernel/random/boot_id")};
    for (const auto* const path : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
        host.machine_id = first_line(root + path);
        if (is_machine_id(host.machine_id)) break;
    }
    if (!is_machine_id(host.machine_id))
        return model::error(
            model::Errc::not_found,
            root + "/etc/machine-id: no machine id; systemd-machine-id-setup makes one");
    if (host.boot_id.empty())
        return model::error(model::Errc::not_found,
                            root + "/proc/sys/kernel/random/boot_id: cannot be read");
    return host;
}

}  // namespace adapters::linux_host
