// What is exported, as the programs' own readers take it: Prometheus' for files of targets, which
// Promtail shares, and Alloy's parser.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "model/service_export.h"
#include "tests/support/processes.h"
#include "tests/support/temp_dir.h"

namespace model {
namespace {

using test_support::run;

/// Each kind of service, and values that a careless writer breaks a file with.
std::vector<ServiceEntry> entries() {
    std::vector<ServiceEntry> all;
    const auto add = [&](const std::string& name, const std::string& protocol) -> ServiceEntry& {
        ServiceEntry entry;
        entry.name = name;
        entry.node_id = "n1";
        entry.address = "fd00::1";
        entry.port = 9100;
        entry.protocol = protocol;
        entry.path = "/metrics";
        entry.metadata = {{"log_path", "/var/log/" + name + ".log"}, {"job", "app"}};
        entry.tags = {"a", "b"};
        entry.role = "PRIMARY";
        all.push_back(entry);
        return all.back();
    };
    add("metrics", "https").metadata["scrape_interval"] = "15s";
    add("logs", "syslog").metadata["job"] = "quote \" and \\ backslash";
    add("more-logs", "syslog+udp").metadata["platform"] = "line\nbreak\ttab ${env} {{ x }}";
    add("app", "http").metadata["Ein Schl\u00fcssel"] = "W\u00e4rme \u2713 \x7f";
    add("dots.and-dashes", "tcp").tags = {};
    return all;
}

class ServiceReaders : public testing::Test {
protected:
    /// Returns the file's path.
    std::string write(const std::string& name, const std::string& text) const {
        const auto path = directory_.path() + "/" + name;
        std::ofstream{path} << text;
        return path;
    }
    /// promtool's verdict of a configuration that takes its targets from this text.
    test_support::Ended checked_by_promtool(const std::string& targets) const {
        const auto file = write("targets.json", targets);
        return run({"/usr/bin/promtool",
                    "check",
                    "config",
                    write("prometheus.yml",
                          "scrape_configs:\n  - job_name: x\n    file_sd_configs:\n"
                          "      - files: [" +
                              file + "]\n")});
    }

    const test_support::TempDir directory_;
};

TEST_F(ServiceReaders, PrometheusTakesTheTargets) {
    ASSERT_EQ(::access("/usr/bin/promtool", X_OK), 0) << "package prometheus";
    const auto checked =
        checked_by_promtool(export_services(ExportFormat::prometheus, "prod", entries()));
    EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
    EXPECT_NE(checked_by_promtool("[{\"targets\": [\"a:1\"], \"label\": {}}]").status, 0)
        << "it looks at the file";
}

// Promtail reads files of targets by Prometheus' code.
TEST_F(ServiceReaders, PromtailTakesTheTargets) {
    ASSERT_EQ(::access("/usr/bin/promtool", X_OK), 0) << "package prometheus";
    const auto text = export_services(ExportFormat::promtail, "prod", entries());
    EXPECT_NE(text.find("__path__"), std::string::npos);
    const auto checked = checked_by_promtool(text);
    EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
}

TEST_F(ServiceReaders, AlloyTakesTheText) {
    if (::access(ALLOY_CHECK, X_OK) != 0) GTEST_SKIP() << "scripts/alloy.sh builds the checker";
    for (const auto* const cluster : {"prod", "42-prod.eu", "\u00e4"}) {
        const auto text = export_services(ExportFormat::alloy, cluster, entries());
        const auto checked = run({ALLOY_CHECK, write("config.alloy", text)});
        EXPECT_EQ(checked.status, 0) << checked.err << text;
    }
    const auto broken = run({ALLOY_CHECK, write("broken.alloy", "loki.write {")});
    EXPECT_NE(broken.status, 0) << "it looks at the file";
}

}  // namespace
}  // namespace model
