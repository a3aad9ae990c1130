#include "model/service_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace model {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

ServiceEntry entry() {
    return {.name = "metrics",
            .node_id = "n1",
            .address = "10.0.0.1",
            .port = 9100,
            .protocol = "http",
            .path = "",
            .metadata = {},
            .tags = {},
            .health = ServiceHealth::passing,
            .registered_at = {1'700'000'000'000},
            .updated_at = {1'700'000'001'000},
            .health_reason = {},
            .role = "PRIMARY",
            .internal = false,
            .schema = 1,
            .unknown_fields = {}};
}

json targets(const ServiceEntry& entry) {
    return json::parse(export_services(ExportFormat::prometheus, "prod", {entry}));
}
json labels(const ServiceEntry& entry) { return targets(entry).at(0).at("labels"); }

TEST(ServiceExport, PrometheusGetsTheLabelsOfThePublishedExporterAndOurs) {
    auto given = entry();
    given.tags = {"a", "b"};
    given.metadata = {{"platform", "bare"}};
    EXPECT_EQ(targets(given), json::parse(R"([{"targets": ["10.0.0.1:9100"], "labels": {
        "job": "metrics", "app": "prod", "service": "metrics", "node": "n1", "platform": "bare",
        "cluster": "prod", "role": "PRIMARY", "health": "passing", "tags": "a,b"}}])"));
    EXPECT_EQ(export_services(ExportFormat::prometheus, "prod", {given}),
              export_services(ExportFormat::http_sd, "prod", {given}));
    EXPECT_EQ(export_services(ExportFormat::http_sd, "prod", {}), "[]\n");
}

// defects.md M14: the address of each entry is its own.
TEST(ServiceExport, M14_ATargetIsTheAddressOfItsEntry) {
    auto given = entry();
    given.address = "fd00::1";
    EXPECT_EQ(targets(given).at(0).at("targets"), json::array({"[fd00::1]:9100"}));
}

TEST(ServiceExport, MetadataBecomesWhatPrometheusTakesItFor) {
    auto given = entry();
    given.protocol = "https";
    given.path = "/m";
    given.metadata = {{"job", "j"},
                      {"app", "shop"},
                      {"scrape_interval", "1m30s"},
                      {"rack-no", "7"},
                      {"été", "x"}};
    const auto found = labels(given);
    EXPECT_EQ(found.at("job"), "j");
    EXPECT_EQ(found.at("app"), "shop");
    EXPECT_EQ(found.at("__metrics_path__"), "/m");
    EXPECT_EQ(found.at("__scheme__"), "https");
    EXPECT_EQ(found.at("__scrape_interval__"), "1m30s");
    EXPECT_EQ(found.at("convex_rack_no"), "7");
    EXPECT_EQ(found.at("convex___t__"), "x");
    EXPECT_FALSE(found.contains("convex_job"));
    EXPECT_FALSE(found.contains("__scrape_timeout__"));
    EXPECT_FALSE(labels(entry()).contains("__metrics_path__"));
    EXPECT_FALSE(labels(entry()).contains("__scheme__"));
}

// Prometheus refuses a target whose interval is none, or shorter than its time-out.
TEST(ServiceExport, AScrapeIntervalIsOnlyPassedOnWherePrometheusTakesIt) {
    auto given = entry();
    for (const auto* wrong : {"10", "s", "1.5m", "0s", "5s1m", "1s1s", "-1s", "1234567s"}) {
        given.metadata = {{"scrape_interval", wrong}};
        EXPECT_FALSE(labels(given).contains("__scrape_interval__")) << wrong;
        EXPECT_EQ(labels(given).at("convex_scrape_interval"), wrong);
    }
    for (const auto* right : {"15s", "1y2w3d4h5m6s7ms", "1h", "250ms"}) {
        given.metadata = {{"scrape_interval", right}};
        EXPECT_EQ(labels(given).at("__scrape_interval__"), right);
    }
    given.metadata = {{"scrape_interval", "5s"}};
    EXPECT_EQ(labels(given).at("__scrape_timeout__"), "5s");
    given.metadata = {{"scrape_interval", "5s"}, {"scrape_timeout", "6s"}};
    EXPECT_EQ(labels(given).at("__scrape_timeout__"), "5s");
    given.metadata = {{"scrape_interval", "5s"}, {"scrape_timeout", "4s"}};
    EXPECT_EQ(labels(given).at("__scrape_timeout__"), "4s");
}

TEST(ServiceExport, ServicesThatDoNotServeStayTargetsAndInternalOnesAreNone) {
    auto down = entry();
    down.health = ServiceHealth::standby;
    EXPECT_EQ(labels(down).at("health"), "standby");
    auto internal = entry();
    internal.internal = true;
    for (const auto format : {ExportFormat::prometheus, ExportFormat::consul})
        EXPECT_EQ(export_services(format, "prod", {internal}), "[]\n");
    EXPECT_EQ(json::parse(export_services(ExportFormat::json, "prod", {internal})).size(), 1U);
}

TEST(ServiceExport, PromtailTailsTheLogsThatMetadataNames) {
    auto given = entry();
    given.metadata = {{"log_path", "/var/log/a.log"}, {"zone", "a"}};
    const auto found =
        json::parse(export_services(ExportFormat::promtail, "prod", {entry(), given}));
    EXPECT_EQ(found, json::parse(R"([{"targets": ["localhost"], "labels": {
        "__path__": "/var/log/a.log", "job": "metrics", "app": "prod", "service": "metrics",
        "node": "n1", "cluster": "prod", "convex_zone": "a"}}])"));
}

TEST(ServiceExport, SyslogIsAListenerForEachServiceOfThatProtocol) {
    auto given = entry();
    given.name = "logs";
    given.protocol = "syslog";
    given.port = 1514;
    given.metadata = {{"note", "say \"hi\""}};
    EXPECT_EQ(export_services(ExportFormat::syslog, "prod", {entry(), given}),
              "scrape_configs:\n"
              "  - job_name: \"logs-n1\"\n"
              "    syslog:\n"
              "      listen_address: \"10.0.0.1:1514\"\n"
              "      listen_protocol: tcp\n"
              "      label_structured_data: true\n"
              "      labels:\n"
              "        app: \"prod\"\n"
              "        cluster: \"prod\"\n"
              "        convex_note: \"say \\\"hi\\\"\"\n"
              "        job: \"logs\"\n"
              "        node: \"n1\"\n"
              "        service: \"logs\"\n");
    given.protocol = "syslog+udp";
    EXPECT_THAT(export_services(ExportFormat::syslog, "prod", {given}),
                HasSubstr("listen_protocol: udp"));
    EXPECT_EQ(export_services(ExportFormat::syslog, "prod", {entry()}), "scrape_configs: []\n");
}

TEST(ServiceExport, AlloyGetsBothInItsLanguage) {
    auto logs = entry();
    logs.protocol = "syslog";
    auto tailed = entry();
    tailed.metadata = {{"log_path", "/var/log/a.log"}};
    const auto text = export_services(ExportFormat::alloy, "my-prod", {logs, tailed});
    EXPECT_THAT(text,
                HasSubstr("loki.source.file \"convex_my_prod\" {\n"
                          "  targets = [\n"
                          "    {\n"
                          "      __path__ = \"/var/log/a.log\",\n"));
    EXPECT_THAT(text,
                HasSubstr("loki.source.syslog \"convex_my_prod\" {\n"
                          "  listener {\n"
                          "    address  = \"10.0.0.1:9100\"\n"
                          "    protocol = \"tcp\"\n"));
    EXPECT_THAT(text, HasSubstr("  forward_to = [loki.write.default.receiver]\n"));
    EXPECT_THAT(export_services(ExportFormat::alloy, "c", {entry()}),
                Not(HasSubstr("loki.source")));
}

TEST(ServiceExport, ConsulIsToldThatStandbyIsNotPassing) {
    auto given = entry();
    given.health = ServiceHealth::standby;
    given.tags = {"t"};
    given.metadata = {{"a b", std::string(600, 'x')}};
    const auto body = json::parse(export_services(ExportFormat::consul, "prod", {given})).at(0);
    EXPECT_EQ(body.at("Node"), "n1");
    EXPECT_EQ(body.at("Service").at("ID"), "metrics-n1");
    EXPECT_EQ(body.at("Service").at("Tags"), json::array({"t"}));
    EXPECT_EQ(body.at("Service").at("Port"), 9100);
    EXPECT_EQ(body.at("Service").at("Meta").at("a_b"), std::string(512, 'x'));
    EXPECT_EQ(body.at("Check").at("Status"), "critical");
    EXPECT_EQ(body.at("Check").at("Output"), "standby");
    EXPECT_EQ(body.at("Check").at("ServiceID"), "metrics-n1");
}

TEST(ServiceExport, YamlSaysWhatJsonSays) {
    auto given = entry();
    given.metadata = {{"k: 1", "- v"}};
    given.tags = {"yes"};
    EXPECT_EQ(services_yaml({given}),
              "- name: \"metrics\"\n"
              "  node_id: \"n1\"\n"
              "  address: \"10.0.0.1\"\n"
              "  port: 9100\n"
              "  protocol: \"http\"\n"
              "  path: \"\"\n"
              "  metadata:\n"
              "    \"k: 1\": \"- v\"\n"
              "  tags:\n"
              "    - \"yes\"\n"
              "  health: passing\n"
              "  health_reason: \"\"\n"
              "  role: \"PRIMARY\"\n"
              "  internal: false\n"
              "  registered_at: \"2023-11-14T22:13:20.000Z\"\n"
              "  updated_at: \"2023-11-14T22:13:21.000Z\"\n");
    EXPECT_EQ(services_yaml({}), "[]\n");
}

TEST(ServiceExport, FormatsHaveThePublishedNames) {
    for (const auto* name :
         {"prometheus", "http-sd", "syslog", "promtail", "alloy", "consul", "json"})
        EXPECT_TRUE(parse_export_format(name)) << name;
    EXPECT_FALSE(parse_export_format("yaml"));
}

}  // namespace
}  // namespace model
