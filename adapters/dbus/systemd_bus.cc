#include "adapters/dbus/systemd_bus.h"

#include <sdbus-c++/sdbus-c++.h>

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace adapters::dbus {
namespace {

using model::Errc;
using model::Result;
using Properties = std::map<std::string, sdbus::Variant>;

constexpr const char* systemd = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

bool one_of(std::string_view text, std::initializer_list<std::string_view> all) {
    for (const auto each : all)
        if (text == each) return true;
    return false;
}

model::Error to_error(const sdbus::Error& failure) {
    const std::string_view name{failure.getName()};
    auto message = failure.getMessage().empty() ? failure.getName() : failure.getMessage();
    if (one_of(name, {"org.freedesktop.systemd1.NoSuchUnit"}))
        return model::error(Errc::not_found, std::move(message));
    if (name.starts_with("org.freedesktop.systemd1.") ||
        one_of(name,
               {"org.freedesktop.DBus.Error.AccessDenied",
                "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                "org.freedesktop.DBus.Error.InvalidArgs"}))
        return model::error(Errc::invalid, std::move(message));
    if (one_of(name,
               {"System.Error.ENOTCONN",
                "org.freedesktop.DBus.Error.Disconnected",
                "org.freedesktop.DBus.Error.ServiceUnknown",
                "org.freedesktop.DBus.Error.NameHasNoOwner"}))
        return model::error(Errc::unavailable, std::move(message));
    return model::error(Errc::unknown_outcome, std::move(message));
}

// Calls, and has the library's exceptions end here.
template <typename Call>
auto guarded(const Call& call) -> Result<decltype(call())> {
    try {
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            return {};
        } else {
            return call();
        }
    } catch (const sdbus::Error& failure) {
        return to_error(failure);
    } catch (const std::exception& failure) {
        return model::error(Errc::unknown_outcome, failure.what());
    }
}

// Of another type than systemd's documents say: as if it were not there.
template <typename Value>
Value property(const Properties& all, const char* name) {
    const auto at = all.find(name);
    if (at == all.end() || !at->second.containsValueOfType<Value>()) return Value{};
    return at->second.get<Value>();
}

std::string in_hex(const std::vector<std::uint8_t>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

Properties all_of(sdbus::IProxy& object, const char* interface) {
    Properties all;
    object.callMethod("GetAll")
        .onInterface(properties_interface)
        .withTimeout(SystemdBus::call_limit)
        .withArguments(std::string{interface})
        .storeResultsTo(all);
    return all;
}

}  // namespace

// Destroyed in the reverse order: the proxies before their connection.
struct SystemdBus::Parts {
    std::string unit;
    std::unique_ptr<sdbus::IConnection> connection;
    std::unique_ptr<sdbus::IProxy> manager;
    std::unique_ptr<sdbus::IProxy> object;  // the unit's
    News news;

    // A call of the manager that answers nothing.
    template <typename... Arguments>
    void call(const char* method, const Arguments&... arguments) const {
        manager->callMethod(method)
            .onInterface(manager_interface)
            .withTimeout(call_limit)
            .withArguments(arguments...);
    }
    // One that answers the path of an object.
    template <typename... Arguments>
    [[nodiscard]] sdbus::ObjectPath ask(const char* method, const Arguments&... arguments) const {
        sdbus::ObjectPath path;
        manager->callMethod(method)
            .onInterface(manager_interface)
            .withTimeout(call_limit)
            .withArguments(arguments...)
            .storeResultsTo(path);
        return path;
    }
    void subscribe();
    Result<std::string> queue(const char* method) const;
};

void SystemdBus::Parts::subscribe() {
    const auto changed = [this] { news.changed = true; };
    manager->uponSignal("JobRemoved")
        .onInterface(manager_interface)
        .call([this](const std::uint32_t&,
                     const sdbus::ObjectPath& job,
                     const std::string& of,
                     const std::string& result) {
            if (of != unit) return;
            news.ended.push_back({.path = job, .result = result});
            news.changed = true;
        });
    manager->uponSignal("JobNew")
        .onInterface(manager_interface)
        .call([this](const std::uint32_t&, const sdbus::ObjectPath&, const std::string& of) {
            if (of == unit) news.changed = true;
        });
    for (const auto* signal : {"UnitNew", "UnitRemoved"})
        manager->uponSignal(signal)
            .onInterface(manager_interface)
            .call([this](const std::string& of, const sdbus::ObjectPath&) {
                if (of == unit) news.changed = true;
            });
    manager->uponSignal("UnitFilesChanged").onInterface(manager_interface).call(changed);
    manager->uponSignal("Reloading").onInterface(manager_interface).call([changed](const bool&) {
        changed();
    });
    manager->finishRegistration();
    // Without this, systemd sends no signals.
    call("Subscribe");
    object = sdbus::createProxy(*connection, systemd, ask("LoadUnit", unit));
    object->uponSignal("PropertiesChanged")
        .onInterface(properties_interface)
        .call([changed](const std::string&, const Properties&, const std::vector<std::string>&) {
            changed();
        });
    object->finishRegistration();
}

Result<std::string> SystemdBus::Parts::queue(const char* method) const {
    return guarded([&] { return std::string{ask(method, unit, std::string{"replace"})}; });
}

SystemdBus::SystemdBus(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
SystemdBus::~SystemdBus() = default;

Result<std::unique_ptr<SystemdBus>> SystemdBus::connect(const std::string& unit) {
    auto parts = std::make_unique<Parts>();
    parts->unit = unit;
    auto done = guarded([&] {
        parts->connection = sdbus::createSystemBusConnection();
        // Of calls that the library makes by itself.
        parts->connection->setMethodCallTimeout(
            static_cast<std::uint64_t>(std::chrono::microseconds{call_limit}.count()));
        parts->manager = sdbus::createProxy(*parts->connection, systemd, manager_path);
        parts->subscribe();
    });
    if (!done) return model::error(Errc::unavailable, std::move(done).error().message);
    // The state of a unit that is at rest is kept for as long as somebody holds it. May be refused.
    (void)guarded([&] { parts->call("RefUnit", unit); });
    return std::unique_ptr<SystemdBus>{new SystemdBus{std::move(parts)}};
}

Result<UnitState> SystemdBus::read() {
    auto read = guarded([this] {
        const auto unit = all_of(*parts_->object, unit_interface);
        UnitState state;
        state.id = property<std::string>(unit, "Id");
        state.load = property<std::string>(unit, "LoadState");
        using NameAndText = sdbus::Struct<std::string, std::string>;
        state.load_error = std::get<1>(property<NameAndText>(unit, "LoadError"));
        state.active = property<std::string>(unit, "ActiveState");
        state.sub = property<std::string>(unit, "SubState");
        state.file = property<std::string>(unit, "UnitFileState");
        state.triggered_by = property<std::vector<std::string>>(unit, "TriggeredBy");
        using NumberAndPath = sdbus::Struct<std::uint32_t, sdbus::ObjectPath>;
        state.job_waits = std::get<0>(property<NumberAndPath>(unit, "Job")) != 0;
        state.invocation = in_hex(property<std::vector<std::uint8_t>>(unit, "InvocationID"));
        state.active_since = property<std::uint64_t>(unit, "ActiveEnterTimestampMonotonic");

        const auto service = all_of(*parts_->object, service_interface);
        state.slice = property<std::string>(service, "Slice");
        state.cgroup = property<std::string>(service, "ControlGroup");
        state.restart = property<std::string>(service, "Restart");
        state.kill_mode = property<std::string>(service, "KillMode");
        state.result = property<std::string>(service, "Result");
        state.main_pid = static_cast<std::int32_t>(property<std::uint32_t>(service, "MainPID"));
        state.exit_code = property<std::int32_t>(service, "ExecMainCode");
        state.exit_status = property<std::int32_t>(service, "ExecMainStatus");
        return state;
    });
    if (read && read->active.empty())
        return model::error(Errc::unknown_outcome, "systemd's answer has no ActiveState");
    return read;
}

Result<std::string> SystemdBus::start() { return parts_->queue("StartUnit"); }

Result<std::string> SystemdBus::stop() { return parts_->queue("StopUnit"); }

Result<void> SystemdBus::kill(int signal) {
    return guarded([&] {
        parts_->call(
            "KillUnit", parts_->unit, std::string{"all"}, static_cast<std::int32_t>(signal));
    });
}

Result<void> SystemdBus::reset_failed() {
    return guarded([this] { parts_->call("ResetFailedUnit", parts_->unit); });
}

SystemdBus::Wait SystemdBus::wait() const {
    const auto data = parts_->connection->getEventLoopPollData();
    Wait wait{.fd = data.fd, .events = data.events, .until = {}};
    if (data.timeout_usec != UINT64_MAX)
        wait.until = std::chrono::microseconds{static_cast<std::int64_t>(data.timeout_usec)};
    return wait;
}

Result<SystemdBus::News> SystemdBus::process() {
    auto done = guarded([this] {
        while (parts_->connection->processPendingRequest()) {
        }
    });
    if (!done) return model::error(Errc::unavailable, std::move(done).error().message);
    return std::exchange(parts_->news, {});
}

}  // namespace adapters::dbus
