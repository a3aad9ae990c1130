// The registry as its users meet it: the command line, the API, Prometheus, the command of NATS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "adapters/http/http_get.h"
#include "app/app.h"
#include "app/discovery.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/cluster.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test_support::Cluster;
using test_support::NodeOptions;
using test_support::run;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A process that goes on until its object ends.
class Running {
public:
    Running(const std::vector<std::string>& command, const std::string& log)
        : pid_{test_support::spawn(command, {}, log)} {}
    ~Running() {
        ::kill(pid_, SIGKILL);
        EXPECT_TRUE(test_support::eventually([&] { return test_support::reap(pid_).has_value(); }));
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    pid_t pid_;
};

/// Three nodes whose registry has `http` at the backend, and `metrics` with a check of its own.
class ServicesOfACluster : public testing::Test {
protected:
    static constexpr int nodes = 3;

    ServicesOfACluster() {
        for (int node = 1; node <= nodes; ++node) {
            const json services = {
                {"http", {{"port", cluster_.backend_port(node)}, {"tags", {"web"}}}},
                {"metrics",
                 {{"port", cluster_.metrics(node).port},
                  {"protocol", "http"},
                  {"path", "/metrics"},
                  {"tags", {"metrics"}},
                  {"metadata", {{"job", "convex"}, {"scrape_interval", "1s"}}},
                  {"check", {{"path", "/metrics"}, {"intervalMs", 200}}}}}};
            cluster_.options(node).services = services.dump();
            cluster_.options(node).allow_remote_stepdown = true;
            cluster_.start(node);
        }
        leader_ = cluster_.wait_serving();
        cluster_.wait_replicated();
        for (int node = 1; node <= nodes; ++node)
            config_.push_back(cluster_.write_config(node));
    }

    [[nodiscard]] std::vector<std::string> services(const std::vector<std::string>& words,
                                                    int node = 1) const {
        auto command = Cluster::daemon(config_.at(static_cast<std::size_t>(node - 1)));
        std::vector<std::string> line{command.front(), "services"};
        line.insert(line.end(), words.begin(), words.end());
        line.insert(line.end(), command.begin() + 2, command.end());
        return line;
    }
    /// "http/n1 passing", as the command line lists them.
    [[nodiscard]] std::set<std::string> listed(const std::vector<std::string>& filter = {}) const {
        std::vector<std::string> words{"list", "-o", "json"};
        words.insert(words.end(), filter.begin(), filter.end());
        const auto ended = run(services(words));
        EXPECT_EQ(ended.status, 0) << ended.err;
        return lines(ended.out);
    }
    /// The same of a page of the API; empty where it has none.
    [[nodiscard]] std::set<std::string> of_api(int node) const {
        const auto page =
            adapters::http::get({.host = cluster_.api(node).host,
                                 .port = static_cast<std::uint16_t>(cluster_.api(node).port)},
                                "/services",
                                2s);
        return page ? lines(*page) : std::set<std::string>{};
    }
    static std::set<std::string> lines(const std::string& text) {
        std::set<std::string> all;
        const auto entries = json::parse(text, nullptr, false);
        if (!entries.is_array()) return all;
        for (const auto& entry : entries) {
            all.insert(entry.at("name").get<std::string>() + "/" +
                       entry.at("node_id").get<std::string>() + " " +
                       entry.at("health").get<std::string>());
        }
        return all;
    }
    /// All entries with everybody alive.
    [[nodiscard]] std::set<std::string> healthy(int leader) const {
        std::set<std::string> all;
        for (int node = 1; node <= nodes; ++node) {
            const auto& id = cluster_.name(node);
            all.insert("health/" + id + " passing");
            all.insert("metrics/" + id + " passing");
            all.insert("http/" + id + (node == leader ? " passing" : " standby"));
        }
        return all;
    }
    [[nodiscard]] static std::set<std::string> without(std::set<std::string> all,
                                                       const std::string& id) {
        std::erase_if(
            all, [&](const auto& line) { return line.find("/" + id + " ") != std::string::npos; });
        return all;
    }
    void wait_for(const std::set<std::string>& wanted) {
        for (int node = 1; node <= nodes; ++node) {
            if (cluster_.warden_pid(node) == 0) continue;
            cluster_.wait_until("the registry as " + cluster_.name(node) + " shows it",
                                [&] { return of_api(node) == wanted; });
        }
    }

    Cluster cluster_{{.nodes = nodes, .start = false}};
    int leader_ = 0;
    std::vector<std::string> config_;
};

// defects.md M15, M16, M20: what daemons register, the command line lists, as it is.
TEST_F(ServicesOfACluster, M15_AreListedAsTheyAreAndFollowThePrimary) {
    wait_for(healthy(leader_));
    EXPECT_EQ(listed(), healthy(leader_));
    EXPECT_EQ(listed({"--health", "standby"}).size(), 2U);
    EXPECT_EQ(listed({"--meta", "job=convex", "--tag", "metrics"}).size(), 3U);
    const auto shown = run(services({"show", "http"}));
    EXPECT_EQ(shown.status, 0);
    EXPECT_THAT(shown.out, HasSubstr("http on " + cluster_.name(leader_) + "\n"));
    const auto table = run(services({"list", "--name", "metrics"}));
    EXPECT_THAT(table.out, HasSubstr("SERVICE  NODE"));

    const int next = leader_ % nodes + 1;
    cluster_.request_switchover(next);
    cluster_.wait_for("the switchover", [&](const test_support::Snapshot& now) {
        return now.serving() == cluster_.name(next);
    });
    wait_for(healthy(next));
}

// What a program finds that embeds the library.
TEST_F(ServicesOfACluster, AreFoundByNameTagAndMetadata) {
    wait_for(healthy(leader_));
    const auto loaded = cluster::App::load_config(config_.front());
    ASSERT_TRUE(loaded) << loaded.error().message;
    auto discovery = app::Discovery::connect(loaded->config(), 5s);
    ASSERT_TRUE(discovery) << discovery.error().message;
    const auto names = [](const model::Result<std::vector<model::ServiceEntry>>& found) {
        std::multiset<std::string> all;
        if (!found) return all;
        for (const auto& each : *found)
            all.insert(each.name + " " + std::string{to_text(each.health)});
        return all;
    };
    const std::multiset<std::string> http{"http passing", "http standby", "http standby"};
    const std::multiset<std::string> metrics{
        "metrics passing", "metrics passing", "metrics passing"};
    EXPECT_EQ(names((*discovery)->discover("http")), http);
    EXPECT_EQ(names((*discovery)->discover_by_tag("web")), http);
    EXPECT_EQ(names((*discovery)->discover_by_metadata("job", "convex")), metrics);
    EXPECT_THAT(names((*discovery)->discover("htt")), IsEmpty());
    EXPECT_THAT(names((*discovery)->discover_by_tag("we")), IsEmpty());
    EXPECT_THAT(names((*discovery)->discover_by_metadata("job", "conve")), IsEmpty());
    EXPECT_THAT(names((*discovery)->discover_by_metadata("jo", "convex")), IsEmpty());
}

// defects.md C26, C27: a node that died is critical at once to who asks once, and then gone.
TEST_F(ServicesOfACluster, C27_OfANodeThatDiedAreCriticalThenGoneAndComeBackWithIt) {
    wait_for(healthy(leader_));
    const int other = leader_ % nodes + 1;
    const auto& id = cluster_.name(other);
    cluster_.kill_all(other);
    const auto now = listed({"--node", id});
    for (const auto& line : now)
        EXPECT_THAT(line, HasSubstr(" critical"));
    wait_for(without(healthy(leader_), id));
    EXPECT_THAT(listed({"--node", id}), IsEmpty());
    cluster_.start(other);
    wait_for(healthy(leader_));

    // At a clean stop they are gone when the daemon is.
    EXPECT_EQ(cluster_.stop(other), 0);
    EXPECT_THAT(listed({"--node", id}), IsEmpty());
}

TEST_F(ServicesOfACluster, WithoutNatsNothingIsExportedAndTheStatusSaysSo) {
    wait_for(healthy(leader_));
    const auto file = cluster_.directory() + "/targets.json";
    const auto done = run(services({"export", "--tag", "metrics", "--output", file}));
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(done.out, "");
    const auto text = test_support::read_text(file);
    EXPECT_EQ(json::parse(text).size(), 3U);
    const auto printed = run(services({"export", "--tag", "metrics"}));
    EXPECT_EQ(printed.out, text);

    cluster_.server().stop();
    const auto failed = run(services({"export"}));
    EXPECT_EQ(failed.status, 1);
    EXPECT_EQ(failed.out, "");
    EXPECT_THAT(failed.err, HasSubstr("Error: NATS"));
    EXPECT_EQ(run(services({"export", "--output", file})).status, 1);
    EXPECT_EQ(test_support::read_text(file), text);
    cluster_.wait_until("the API to say that it cannot read",
                        [&] { return of_api(leader_).empty(); });
    cluster_.server().start();
}

TEST_F(ServicesOfACluster, StepDownWhereANatsClientMayAsk) {
    const auto client = adapters::nats::connected_client(cluster_.server().url());
    const auto subject = [&](int node) {
        return "cluster_" + cluster_.id() + ".control." + cluster_.name(node) + ".stepdown";
    };
    const int other = leader_ % nodes + 1;
    const auto refused = json::parse(adapters::nats::ask(*client, subject(other)));
    EXPECT_EQ(refused.at("ok"), false);
    EXPECT_THAT(refused.at("error"), HasSubstr("the leader is " + cluster_.name(leader_)));
    EXPECT_EQ(json::parse(adapters::nats::ask(*client, subject(leader_))).at("ok"), true);
    cluster_.wait_for("another leader", [&](const test_support::Snapshot& now) {
        return !now.serving().empty() && now.serving() != cluster_.name(leader_);
    });
    const auto health = "cluster." + cluster_.id() + ".health." + cluster_.name(other);
    EXPECT_EQ(json::parse(adapters::nats::ask(*client, health)).at("ok"), true);
}

/// The value of a label in a line of promtool's; "" it has none.
std::string label(const std::string& line, const std::string& name) {
    const auto begin = line.find(name + "=\"");
    if (begin == std::string::npos) return {};
    const auto from = begin + name.size() + 2;
    return line.substr(from, line.find('"', from) - from);
}

/// "convex n1": job and node of each target that Prometheus scrapes.
std::set<std::string> targets(int port, const std::string& pool) {
    const auto answer = run({"/usr/bin/promtool",
                             "query",
                             "instant",
                             "http://127.0.0.1:" + std::to_string(port),
                             "up{pool=\"" + pool + "\"} == 1"});
    std::set<std::string> all;
    std::istringstream lines{answer.out};
    for (std::string line; std::getline(lines, line);)
        all.insert(label(line, "job") + " " + label(line, "node"));
    return all;
}

// defects.md M14: a real Prometheus finds every node where it is.
TEST_F(ServicesOfACluster, M14_AreTargetsOfPrometheusByFileAndByHttp) {
    ASSERT_EQ(::access("/usr/bin/prometheus", X_OK), 0)
        << "package prometheus: scripts/setup.sh test";
    wait_for(healthy(leader_));
    const auto directory = cluster_.directory();
    const auto file = directory + "/targets.json";
    const Running exporter{
        services({"export", "--tag", "metrics", "--watch", "--output", file}, leader_),
        directory + "/export.log"};
    const auto& api = cluster_.api(leader_);
    const auto config = directory + "/prometheus.yml";
    const auto labelled = [](const std::string& name) {
        return "\n    relabel_configs:\n      - target_label: pool\n        replacement: " + name +
               "\n";
    };
    std::ofstream{config} << "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n"
                             "scrape_configs:\n"
                             "  - job_name: by-file\n    file_sd_configs:\n      - files: ["
                          << file << "]" << labelled("by-file")
                          << "  - job_name: by-http\n    http_sd_configs:\n      - url: http://"
                          << api.host << ":" << api.port
                          << "/services/prometheus?tag=metrics\n        refresh_interval: 1s"
                          << labelled("by-http");
    const auto checked = run({"/usr/bin/promtool", "check", "config", config});
    EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
    const int port = test_support::free_port();
    const Running prometheus{{"/usr/bin/prometheus",
                              "--config.file=" + config,
                              "--storage.tsdb.path=" + directory + "/tsdb",
                              "--web.listen-address=127.0.0.1:" + std::to_string(port)},
                             directory + "/prometheus.log"};
    const auto wait_targets = [&](const std::set<std::string>& wanted) {
        for (const auto* pool : {"by-file", "by-http"}) {
            cluster_.wait_until(
                std::string{"the targets "} + pool,
                [&] { return targets(port, pool) == wanted; },
                60s);
        }
    };
    std::set<std::string> all;
    for (int node = 1; node <= nodes; ++node)
        all.insert("convex " + cluster_.name(node));
    wait_targets(all);

    const int other = leader_ % nodes + 1;
    auto fewer = all;
    fewer.erase("convex " + cluster_.name(other));
    cluster_.kill_all(other);
    wait_targets(fewer);
    cluster_.start(other);
    wait_targets(all);

    const auto metrics =
        adapters::http::get({.host = cluster_.metrics(leader_).host,
                             .port = static_cast<std::uint16_t>(cluster_.metrics(leader_).port)},
                            "/metrics",
                            2s);
    ASSERT_TRUE(metrics) << metrics.error().message;
    EXPECT_THAT(*metrics, HasSubstr("convex_cluster_services_healthy{"));
    std::ofstream{directory + "/metrics"} << *metrics;
    const auto valid = run({"/bin/sh", "-c", "promtool check metrics <" + directory + "/metrics"});
    // 3: it is read, and promtool would have chosen other names than those that are promised.
    EXPECT_EQ(valid.status, 3) << valid.out << valid.err;
    EXPECT_THAT(valid.out + valid.err,
                AllOf(Not(HasSubstr("error while linting")),
                      HasSubstr("replication_lag_ms metric names should not"),
                      HasSubstr("services_total non-counter metrics should not")));
}

TEST_F(ServicesOfACluster, AreAskedForByTheCommandOfNats) {
    if (::access(NATS_PROGRAM, X_OK) != 0) GTEST_SKIP() << "scripts/natscli.sh builds it";
    const auto nats = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {NATS_PROGRAM, "--server", cluster_.server().url()});
        const auto ended = run(words);
        EXPECT_EQ(ended.status, 0) << words.at(3) << ended.out << ended.err;
        return ended.out;
    };
    const auto service = "convex-" + cluster_.id() + "-" + cluster_.name(leader_);
    const auto list = nats({"micro", "ls"});
    for (int node = 1; node <= nodes; ++node)
        EXPECT_THAT(list, HasSubstr("convex-" + cluster_.id() + "-" + cluster_.name(node)));
    EXPECT_THAT(list, HasSubstr("cluster_" + cluster_.id()));
    EXPECT_THAT(nats({"micro", "info", service}), HasSubstr("stepdown"));
    const auto answer =
        nats({"request",
              "--raw",
              "convex." + cluster_.id() + ".svc." + cluster_.name(leader_) + ".status",
              ""});
    EXPECT_THAT(answer, HasSubstr("\"role\":\"PRIMARY\""));
    EXPECT_THAT(nats({"micro", "stats", service}), HasSubstr("status"));
    EXPECT_THAT(nats({"kv", "ls", "convex-" + cluster_.id() + "-services"}),
                HasSubstr("http/" + cluster_.name(leader_)));
}

}  // namespace
