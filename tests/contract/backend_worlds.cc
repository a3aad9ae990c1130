#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>

#include "adapters/dbus/unit_backend.h"
#include "adapters/linux/clock.h"
#include "adapters/process/process_backend.h"
#include "tests/contract/backend_world.h"
#include "tests/sim/warden/sim_warden.h"
#include "tests/support/eventually.h"
#include "tests/support/systemd_host.h"

namespace contract {
namespace {

using namespace std::chrono_literals;
using reconcilers::ports::Backend;

constexpr auto ttl = 10s;

warden::Settings settings(model::WardenItem entry) {
    return {.ttl = ttl,
            .margin = 2s,
            .stop_timeout = 90s,
            .boot_id = "b",
            .run = "r",
            .list = {.items = {std::move(entry)}}};
}

class HandClock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override { return now_; }
    [[nodiscard]] model::WallTime wall() const override { return {}; }
    model::Instant now_{1000s};
};

class ProcessWorld final : public BackendWorld {
public:
    ProcessWorld() {
        sim_.begin();
        connect();
    }
    Backend& backend() override { return *backend_; }
    void hold() override { ASSERT_TRUE(warden_->set_deadline(clock_.now() + ttl)); }
    void strike() override {
        clock_.now_ += ttl;
        sim_.step();
        restart_node_process();  // it was killed, too
    }
    void step() override {
        clock_.now_ += 1ms;
        sim_.step();
    }
    bool lives() override { return process_.alive; }
    void ignore_stops() override { process_.ignores_stop = true; }
    void die() override { sim_.backend_died(3 << 8); }
    void restart_node_process() override {
        sim_.node_died(9);
        sim_.step();
        connect();
    }
    void spoil() override {
        process_.refuses = "it is not there";
        able_ = model::error(model::Errc::invalid, "it is not there");
    }
    void mend() override {
        process_.refuses.clear();
        able_ = {};
    }

private:
    void connect() {
        warden_ = sim_.connect();
        backend_ = std::make_unique<adapters::process::ProcessBackend>(
            *warden_, model::WardenEntry{0}, [this] { return able_; });
    }

    HandClock clock_;
    sim::SimBackend process_;
    std::optional<warden::Saved> file_;
    sim::SimWarden sim_{
        settings(model::Spawn{.command = {"/b"}, .dir = "/"}), file_, clock_, process_, {}};
    model::Result<void> able_;
    std::unique_ptr<reconcilers::ports::Warden> warden_;
    std::unique_ptr<Backend> backend_;
};

// One for all cases: it takes a third of a second to boot.
test_support::SystemdHost& host() {
    static test_support::SystemdHost host;
    return host;
}

constexpr const char* unit = "service.service";
constexpr const char* cgroup = "/system.slice/service.service";
constexpr const char* text = R"([Service]
ExecStart=/bin/sh -c "if [ -e /run/share/ignore ]; then trap '' TERM; else trap 'exit 0' TERM; fi; \
    trap 'exit 3' USR1; while :; do sleep 0.02; done"
TimeoutStopSec=60
)";

// The warden's decisions are real; it acts on a real cgroup.
class SystemdWorld final : public BackendWorld {
public:
    SystemdWorld() {
        (void)host().run("rm -f /run/share/ignore; systemctl unmask " + std::string{unit});
        host().write_unit(unit, text);
        sim_.begin();
        connect();
    }
    ~SystemdWorld() override {
        adapters::dbus::kill_cgroup(path());
        (void)host().run("systemctl stop service; systemctl reset-failed service");
    }
    SystemdWorld(const SystemdWorld&) = delete;
    SystemdWorld& operator=(const SystemdWorld&) = delete;

    Backend& backend() override { return *backend_; }
    void hold() override { ASSERT_TRUE(warden_->set_deadline(clock_.now() + ttl)); }
    void strike() override {
        clock_.ahead += ttl;
        sim_.step();
        restart_node_process();  // it was killed, too
    }
    void step() override {
        if (lives()) sim_.target_appeared();
        sim_.step();
    }
    bool lives() override {
        return adapters::dbus::cgroup_life(path()) != adapters::dbus::CgroupLife::empty;
    }
    void ignore_stops() override { host().must_run("touch /run/share/ignore"); }
    void die() override { host().must_run("systemctl kill --kill-who=main -s USR1 service"); }
    void restart_node_process() override {
        sim_.node_died(9);
        sim_.step();
        connect();
    }
    void spoil() override { host().remove_unit(unit); }
    void mend() override { host().write_unit(unit, text); }

private:
    class RealClock final : public reconcilers::ports::Clock {
    public:
        [[nodiscard]] model::Instant now() const override { return clock_.now() + ahead; }
        [[nodiscard]] model::WallTime wall() const override { return clock_.wall(); }
        model::Duration ahead{};

    private:
        adapters::linux_host::Clock clock_;
    };
    static std::string path() { return host().cgroup() + cgroup; }
    void connect() {
        backend_.reset();
        link_.reset();
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", host().bus().c_str(), 1);
        link_ = std::make_unique<adapters::dbus::UnitLink>(unit);
        warden_ = sim_.connect();
        backend_ = std::make_unique<adapters::dbus::UnitBackend>(
            adapters::dbus::UnitBackend::Settings{.unit = unit,
                                                  .cgroup_root = host().cgroup(),
                                                  .cgroup = cgroup,
                                                  .entry = model::WardenEntry{0}},
            *link_,
            *warden_,
            clock_);
    }

    RealClock clock_;
    sim::SimBackend none_;
    std::optional<warden::Saved> file_;
    sim::SimWarden sim_{settings(model::WardenTarget{.name = path(), .interface = {}}),
                        file_,
                        clock_,
                        none_,
                        {.end_target = [](const model::WardenTarget& target) {
                            adapters::dbus::kill_cgroup(target.name);
                            return adapters::dbus::cgroup_life(target.name) ==
                                   adapters::dbus::CgroupLife::empty;
                        }}};
    std::unique_ptr<adapters::dbus::UnitLink> link_;
    std::unique_ptr<reconcilers::ports::Warden> warden_;
    std::unique_ptr<Backend> backend_;
};

}  // namespace

std::unique_ptr<BackendWorld> process_world() { return std::make_unique<ProcessWorld>(); }
std::unique_ptr<BackendWorld> systemd_world() { return std::make_unique<SystemdWorld>(); }

}  // namespace contract
