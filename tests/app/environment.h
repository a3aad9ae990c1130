// Changes environment variables for the time of a test.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace test_app {

/// Restores all variables at its end.
class Environment {
public:
    Environment() = default;
    ~Environment() {
        for (const auto& [name, value] : before_)
            put(name, value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    /// Empty: removes the variable.
    void set(const std::string& name, const std::optional<std::string>& value) {
        const char* const present = std::getenv(name.c_str());
        before_.try_emplace(
            name, present == nullptr ? std::nullopt : std::optional{std::string{present}});
        put(name, value);
    }

private:
    static void put(const std::string& name, const std::optional<std::string>& value) {
        if (value) {
            ::setenv(name.c_str(), value->c_str(), 1);
        } else {
            ::unsetenv(name.c_str());
        }
    }

    std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace test_app
