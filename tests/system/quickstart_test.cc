// The commands of docs/quickstart.md, as they are written there, on three hosts with real systemd.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/unit_hosts.h"

namespace {

using test_support::UnitHosts;

/// Where it is run ("every", "node-1"), and the commands.
using Block = std::pair<std::string, std::string>;

std::vector<Block> blocks() {
    std::vector<Block> all;
    std::ifstream page{QUICKSTART};
    bool inside = false;
    for (std::string line; std::getline(page, line);) {
        const std::string mark = "```sh ";
        if (inside && line == "```") {
            inside = false;
        } else if (inside) {
            all.back().second += line + "\n";
        } else if (line.starts_with(mark)) {
            all.emplace_back(line.substr(mark.size()), "");
            inside = true;
        }
    }
    return all;
}

TEST(Quickstart, WorksAsItIsWritten) {
    UnitHosts hosts{3, UnitHosts::Installed::no};
    const auto all = blocks();
    ASSERT_EQ(all.size(), 6U) << QUICKSTART;
    std::string last;
    for (const auto& [where, commands] : all) {
        // "Once the other nodes have their copy."
        if (commands.find("demote") != std::string::npos) hosts.wait_fit();
        for (int host = 1; host <= hosts.size(); ++host) {
            if (where != "every" && where != UnitHosts::name(host)) continue;
            const auto ran = hosts.run(host, commands);
            ASSERT_EQ(ran.status, 0) << where << ":\n" << commands << ran.output;
            last = ran.output;
        }
        if (commands.find("until") != std::string::npos) {
            EXPECT_NE(last.find("PRIMARY"), std::string::npos) << last;
            EXPECT_TRUE(hosts.backend_lives(1));
        }
    }
    EXPECT_NE(last.find("Successfully demoted"), std::string::npos) << last;
    const int next = hosts.wait_serving(1);
    EXPECT_FALSE(hosts.backend_lives(1));
    EXPECT_TRUE(hosts.backend_lives(next));
    EXPECT_EQ(hosts.backends_alive(), 1);
    // Written by root, opened by the service's user.
    const auto owner = hosts.host(next).must_run("stat -c '%U' /var/lib/convex/data");
    EXPECT_EQ(owner, "convex\n");
}

}  // namespace
