#include "app/node_arguments.h"

#include <algorithm>
#include <cstddef>

#include "model/url.h"

namespace app {
namespace {

struct Option {
    std::string name;
    std::string value;
    std::vector<std::string> words;  // unchanged
};

std::vector<Option> options_of(const std::vector<std::string>& arguments) {
    std::vector<Option> options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& word = arguments[i];
        if (!word.starts_with('-')) continue;  // the verb
        const auto equals = word.starts_with("--") ? word.find('=') : std::string::npos;
        Option option{.name = word.substr(0, equals), .value = {}, .words = {word}};
        if (equals != std::string::npos) {
            option.value = word.substr(equals + 1);
        } else if (i + 1 < arguments.size()) {
            option.value = arguments[++i];
            option.words.push_back(option.value);
        }
        options.push_back(std::move(option));
    }
    return options;
}

bool names_servers(const Option& option) { return option.name == "--nats"; }

}  // namespace

NodeArguments node_arguments(const std::vector<std::string>& daemon_arguments) {
    const auto options = options_of(daemon_arguments);
    const bool login = std::any_of(options.begin(), options.end(), [](const Option& option) {
        return names_servers(option) && model::without_login(option.value) != option.value;
    });
    NodeArguments node;
    for (const auto& option : options) {
        if (login && names_servers(option)) {
            // A repeated option adds up, like the commas in the variable.
            node.nats_url = node.nats_url ? *node.nats_url + "," + option.value : option.value;
        } else {
            node.words.insert(node.words.end(), option.words.begin(), option.words.end());
        }
    }
    return node;
}

}  // namespace app
