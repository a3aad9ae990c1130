#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "adapters/json/config_file.h"
#include "app/daemon.h"
#include "app/version.h"

int main(int argc, char** argv) {
    std::string verb = "daemon";
    std::string path = "/etc/convex/cluster.json";
    int fd = -1;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if ((argument == "-c" || argument == "--config") && i + 1 < argc) {
            path = argv[++i];
        } else if (argument == "--fd" && i + 1 < argc) {
            fd = std::atoi(argv[++i]);
        } else {
            verb = argument;
        }
    }
    std::map<std::string, std::string> environment;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string pair = *each;
        const auto equals = pair.find('=');
        if (equals != std::string::npos)
            environment[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    auto loaded = adapters::json::load_config(path, model::environment_overrides(environment));
    if (!loaded) {
        std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
        return 1;
    }
    if (verb == "daemon") {
        for (const auto& warning : loaded->warnings) {
            std::fprintf(stderr, "warning: %s\n", model::to_text(warning).c_str());
        }
        std::printf("Starting convex-cluster-manager daemon...\n");
        std::fflush(stdout);
        return app::run_daemon(loaded->config, {"-c", path});
    }
    if (verb == "node") return app::run_node_process(loaded->config, fd);
    return 2;
}
