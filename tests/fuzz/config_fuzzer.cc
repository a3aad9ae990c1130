// cluster.json: from text to a checked configuration or its errors.
#include "adapters/http/messages.h"
#include "adapters/json/config_file.h"
#include "config/validate.h"
#include "model/host_port.h"
#include "reconcilers/replica/records.h"
#include "tests/fuzz/fuzz.h"

namespace {

using config::Value;
using fuzz::require;

constexpr std::string_view secret = "kept from everybody";

/// Replaces every password, every login in a URL and every value of an environment by the secret.
void plant(Value& value, std::string_view name) {
    if (auto* map = std::get_if<Value::Map>(&value.data)) {
        for (auto& member : *map)
            plant(member.value, name == "env" ? name : member.name);
    } else if (auto* list = std::get_if<Value::List>(&value.data)) {
        for (auto& element : *list)
            plant(element, name);
    } else if (auto* text = std::get_if<std::string>(&value.data)) {
        const auto scheme = text->find("://");
        const auto at = text->rfind('@');
        if (name == "password" || name == "env") {
            *text = secret;
        } else if (scheme != std::string::npos && at != std::string::npos && at > scheme + 2) {
            text->replace(scheme + 3, at - scheme - 3, "user:" + std::string{secret});
        }
    }
}

void check_problems(const config::Outcome& outcome) {
    for (const auto* problems : {&outcome.errors, &outcome.warnings}) {
        for (const auto& problem : *problems) {
            const auto text = to_text(problem);
            require(problem.where.starts_with("the.file") && !problem.reason.empty(),
                    "a problem says where, and what to do",
                    text);
        }
    }
}

/// A message that contains the secret; empty: none does.
std::string leak_of(const config::Outcome& outcome) {
    for (const auto* problems : {&outcome.errors, &outcome.warnings}) {
        for (const auto& problem : *problems) {
            auto text = to_text(problem);
            if (text.find(secret) != std::string::npos) return text;
        }
    }
    return {};
}

/// Calls what the program does with a valid configuration.
void check_right(const config::Config& config) {
    require(config::check(config).empty(), "a configuration without errors keeps every rule");
    if (!config.backend.health_endpoint.empty()) {
        require(adapters::http::parse_url(config.backend.health_endpoint).has_value(),
                "the health probe can use its URL",
                config.backend.health_endpoint);
    }
    for (const auto& server : config.nats.servers) {
        require(fuzz::is(config::parse_server(server), server),
                "a server's URL means the same again",
                server);
    }
    for (const auto& address : {config.api, config.metrics}) {
        require(fuzz::is(model::parse_host_port(to_text(address)), address),
                "an address is read as it is written");
    }
    const auto& data = config.backend.data_path;
    const auto& replica = config.wal.replica_path;
    require(data.starts_with('/') && replica.starts_with('/') && config.state_dir.starts_with('/'),
            "paths are absolute");
    const reconcilers::replica::Intent intent{.moves = {{data, replica}}};
    require(fuzz::is(reconcilers::replica::decode_intent(encode(intent)), intent),
            "a promotion can write down the paths");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto root = adapters::json::parse_config(text, "the.file");
    if (!root) {
        fuzz::require_refusal(root.error(), model::Errc::invalid);
        require(root.error().message.starts_with("the.file:"),
                "a refusal names the file",
                root.error().message);
        return 0;
    }
    const auto outcome = config::build({.file = "the.file", .root = *root, .overrides = {}});
    check_problems(outcome);
    if (outcome.errors.empty()) check_right(outcome.config);

    // libFuzzer sees the strings that are compared, and may have put the secret elsewhere itself.
    if (!leak_of(outcome).empty()) return 0;
    auto with_secrets = *root;
    plant(with_secrets, "");
    const auto leak = leak_of(
        config::build({.file = "the.file", .root = std::move(with_secrets), .overrides = {}}));
    require(leak.empty(), "a secret is in no message", leak);
    return 0;
}
