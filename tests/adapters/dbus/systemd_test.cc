// A unit of real systemd: what of it goes beyond the contract of every Backend, and a bus and a
// systemd that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>

#include "adapters/dbus/unit_backend.h"
#include "adapters/linux/clock.h"
#include "tests/sim/warden/sim_warden.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "tests/support/result.h"
#include "tests/support/systemd_host.h"

namespace adapters::dbus {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using reconcilers::ports::BackendObserved;
using State = BackendObserved::State;
using test_support::eventually;
using testing::HasSubstr;

constexpr auto call_returns_within = 600ms;  // 400 ms, and a busy machine

constexpr const char* cgroup = "/system.slice/service.service";

std::string unit_text(const std::string& more) {
    return "[Service]\nExecStart=/bin/sh -c \"trap 'exit 0' TERM; trap 'exit 3' USR1; "
           "while :; do sleep 0.02; done\"\n" +
           more;
}

class Systemd : public testing::Test {
protected:
    static void SetUpTestSuite() { host_ = std::make_unique<test_support::SystemdHost>(); }
    static void TearDownTestSuite() { host_.reset(); }

    void SetUp() override {
        sim_.begin();
        warden_ = sim_.connect();
        connect(host_->bus());
    }
    void TearDown() override {
        backend_.reset();
        link_.reset();
        kill_cgroup(path());
        (void)host_->run(
            "systemctl unmask service; systemctl disable service service.timer; systemctl stop "
            "service service.timer; systemctl reset-failed service; "
            "rm -rf /run/systemd/system/service.* /etc/systemd/system/*; systemctl daemon-reload");
    }

    void connect(const std::string& bus) {
        backend_.reset();
        link_.reset();
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.c_str(), 1);
        link_ = std::make_unique<UnitLink>("service.service");
        backend_ =
            std::make_unique<UnitBackend>(UnitBackend::Settings{.unit = "service.service",
                                                                .cgroup_root = host_->cgroup(),
                                                                .cgroup = cgroup,
                                                                .entry = model::WardenEntry{0}},
                                          *link_,
                                          *warden_,
                                          clock_);
    }
    static void write(const std::string& more = {}) {
        host_->write_unit("service.service", unit_text(more));
    }
    static std::string path() { return host_->cgroup() + cgroup; }

    BackendObserved observed() {
        auto seen = backend_->observe();
        EXPECT_TRUE(seen);
        return seen ? *seen : BackendObserved{};
    }
    bool becomes(State state) {
        return eventually([&] { return observed().state == state; });
    }
    bool concerned(const std::string& reason) {
        return eventually([&] {
            const auto all = observed().concerns;
            return std::any_of(
                all.begin(), all.end(), [&](const auto& each) { return each.reason == reason; });
        });
    }
    void start() {
        ASSERT_TRUE(warden_->set_deadline(clock_.now() + 60s));
        ASSERT_TRUE(becomes(State::absent));
        const auto started = test_support::answered([&] { return backend_->start(); });
        ASSERT_TRUE(started) << started.error().message;
        ASSERT_TRUE(eventually(
            [&] { return observed().pid != 0 && cgroup_life(path()) == CgroupLife::populated; }));
    }

    static std::unique_ptr<test_support::SystemdHost> host_;
    linux_host::Clock clock_;
    sim::SimBackend none_;
    std::optional<warden::Saved> file_;
    sim::SimWarden sim_{{.ttl = 60s,
                         .margin = 2s,
                         .stop_timeout = 90s,
                         .boot_id = "b",
                         .run = "r",
                         .list = {.items = {model::WardenTarget{.name = path(), .interface = {}}}}},
                        file_,
                        clock_,
                        none_,
                        {.end_target = [](const model::WardenTarget& target) {
                            kill_cgroup(target.name);
                            return cgroup_life(target.name) == CgroupLife::empty;
                        }}};
    std::unique_ptr<reconcilers::ports::Warden> warden_;
    std::unique_ptr<UnitLink> link_;
    std::unique_ptr<UnitBackend> backend_;
};

std::unique_ptr<test_support::SystemdHost> Systemd::host_;

TEST_F(Systemd, AUnitThatIsMissingOrMaskedIsNamedUntilItIsThere) {
    ASSERT_TRUE(concerned("UnitMissing"));
    EXPECT_THAT(backend_->check().error().message, HasSubstr("service.service is not there"));
    write();
    ASSERT_TRUE(eventually([&] { return backend_->check().has_value(); }));
    EXPECT_TRUE(observed().concerns.empty());
    host_->must_run(
        "mv /run/systemd/system/service.service /run/away; systemctl daemon-reload; "
        "systemctl mask --runtime service");
    ASSERT_TRUE(concerned("UnitMasked"));
    EXPECT_THAT(backend_->check().error().message, HasSubstr("systemctl unmask"));
}

TEST_F(Systemd, WhatStartsItBesideTheManagerIsWarnedOf) {
    write("Restart=on-failure\n[Install]\nWantedBy=multi-user.target\n");
    ASSERT_TRUE(concerned("UnitRestarts"));
    EXPECT_TRUE(backend_->check()) << "warned of, and it runs";
    host_->must_run("systemctl enable service");
    EXPECT_TRUE(concerned("UnitEnabled"));
    host_->write_unit("service.timer", "[Timer]\nOnCalendar=2099-01-01\n");
    host_->must_run("systemctl start service.timer");
    EXPECT_TRUE(concerned("UnitTriggered"));
    host_->must_run("systemctl disable service");
    EXPECT_TRUE(eventually([&] {
        const auto all = observed().concerns;
        return std::none_of(
            all.begin(), all.end(), [](const auto& each) { return each.reason == "UnitEnabled"; });
    }));
}

TEST_F(Systemd, AUnitInAnotherSliceThanTheWardenWatchesIsNotContained) {
    write("Slice=other.slice\n");
    ASSERT_TRUE(concerned("UnitElsewhere"));
    EXPECT_EQ(observed().contained, std::optional{false});
    EXPECT_THAT(backend_->check().error().message, HasSubstr("/other.slice/service.service"));
    ASSERT_TRUE(warden_->set_deadline(clock_.now() + 60s));
    EXPECT_EQ(backend_->start().error().code, Errc::invalid);
}

TEST_F(Systemd, SaysSinceWhenItRunsAlsoToTheNextNodeProcess) {
    write();
    start();
    EXPECT_EQ(observed().contained, std::optional{true});
    ASSERT_TRUE(eventually([&] { return observed().since.has_value(); }));
    const auto since = *observed().since;
    EXPECT_LT(clock_.now() - since, 20s);
    EXPECT_GE(clock_.now(), since);
    connect(host_->bus());
    ASSERT_TRUE(becomes(State::running));
    ASSERT_TRUE(observed().since);
    EXPECT_LT(std::chrono::abs(*observed().since - since), 50ms);
}

// One that stops is not dead before its last process is.
TEST_F(Systemd, DeactivatingIsNotDead) {
    write("ExecStop=/bin/sleep 60\n");
    start();
    ASSERT_TRUE(test_support::answered([&] { return backend_->stop(); }));
    ASSERT_TRUE(eventually([&] { return link_->seen().state.active == "deactivating"; }));
    EXPECT_EQ(observed().state, State::running);
    ASSERT_TRUE(backend_->kill());
    EXPECT_TRUE(becomes(State::absent));
}

// A unit that systemd calls inactive while a process of it is left.
TEST_F(Systemd, WhatAStopLeavesBehindIsAliveUntilItIsKilled) {
    host_->write_unit("service.service",
                      "[Service]\nKillMode=process\nExecStart=/bin/sh -c \"sleep 1000 & wait\"\n");
    start();
    // The shell has started it.
    const auto processes = [] {
        const auto text = test_support::read_text(path() + "/cgroup.procs");
        return std::count(text.begin(), text.end(), '\n');
    };
    ASSERT_TRUE(eventually([&] { return processes() == 2; }));
    ASSERT_TRUE(test_support::answered([&] { return backend_->stop(); }));
    ASSERT_TRUE(eventually([&] { return at_rest(link_->seen().state); }));
    EXPECT_EQ(observed().state, State::running);
    EXPECT_TRUE(concerned("UnitLeavesProcesses"));
    ASSERT_TRUE(backend_->kill());
    EXPECT_TRUE(becomes(State::absent));
    EXPECT_EQ(cgroup_life(path()), CgroupLife::empty);
}

// The published unit has Restart=on-failure: what is killed would be back.
TEST_F(Systemd, AKillIsFollowedByAStopThatCancelsTheRestart) {
    // Until then it is activating, and so not absent.
    write("Restart=always\nRestartSec=5s\n");
    start();
    const auto starts = observed().starts;
    ASSERT_TRUE(backend_->kill());
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_EQ(host_->must_run("systemctl show -P ActiveState service").find("activating"),
              std::string::npos);
    EXPECT_EQ(observed().starts, starts);
    EXPECT_EQ(cgroup_life(path()), CgroupLife::empty);
}

// Its own restart shows as another start, and never as absent in between.
TEST_F(Systemd, ARestartBySystemdIsSeenAsAnotherStart) {
    write("Restart=always\nRestartSec=50ms\n");
    start();
    const auto starts = observed().starts;
    host_->must_run("systemctl kill --kill-who=main -s USR1 service");
    ASSERT_TRUE(eventually([&] {
        EXPECT_EQ(observed().state, State::running);
        return observed().starts == starts + 1;
    }));
}

TEST_F(Systemd, AStartThatFailsBeforeAProcessIsThereCountsAndIsNamed) {
    write("Type=notify\nTimeoutStartSec=300ms\n");
    ASSERT_TRUE(warden_->set_deadline(clock_.now() + 60s));
    ASSERT_TRUE(becomes(State::absent));
    const auto starts = observed().starts;
    ASSERT_TRUE(test_support::answered([&] { return backend_->start(); }));
    ASSERT_TRUE(eventually([&] { return observed().starts > starts; }));
    ASSERT_TRUE(becomes(State::absent));
    ASSERT_TRUE(eventually([&] {
        return observed().last_exit.find("timeout") != std::string::npos;
    })) << observed().last_exit;
}

TEST_F(Systemd, TheStartLimitIsNamedAndDoesNotHoldTheManagerUp) {
    host_->write_unit("service.service",
                      "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=2\n"
                      "[Service]\nExecStart=/bin/false\n");
    ASSERT_TRUE(warden_->set_deadline(clock_.now() + 60s));
    ASSERT_TRUE(becomes(State::absent));
    bool named = false;
    std::string last;
    for (int attempt = 0; attempt < 5; ++attempt) {
        const auto starts = observed().starts;
        ASSERT_TRUE(test_support::answered([&] { return backend_->start(); }));
        ASSERT_TRUE(eventually([&] { return observed().starts > starts; })) << attempt;
        ASSERT_TRUE(becomes(State::absent));
        last += observed().last_exit + "\n";
        named = named || observed().last_exit.starts_with("start limit hit");
    }
    EXPECT_TRUE(named) << last;
    EXPECT_EQ(observed().last_exit, "exit 1") << "the count was reset";
}

// W0: a start that systemd has queued when the lease ends.
TEST_F(Systemd, AStartThatComesUpAfterTheStrikeDies) {
    write("ExecStartPre=/bin/sleep 0.5\n");
    ASSERT_TRUE(warden_->set_deadline(clock_.now() + 60s));
    ASSERT_TRUE(becomes(State::absent));
    ASSERT_TRUE(test_support::answered([&] { return backend_->start(); }));
    sim_.strike_now();
    // It killed the node process, too.
    sim_.node_died(9);
    sim_.step();
    warden_ = sim_.connect();
    connect(host_->bus());
    ASSERT_TRUE(eventually([&] {
        if (cgroup_life(path()) == CgroupLife::populated) sim_.target_appeared();
        return observed().state == State::absent;
    }));
    EXPECT_EQ(cgroup_life(path()), CgroupLife::empty);
}

TEST_F(Systemd, ABusThatDiesIsFoundAgain) {
    write();
    start();
    const auto pid = observed().pid;
    const auto bus = std::atoi(
        test_support::read_text(host_->cgroup() + "/system.slice/dbus.service/cgroup.procs")
            .c_str());
    ASSERT_GT(bus, 0);
    ASSERT_EQ(::kill(bus, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return !link_->seen().read; }));
    EXPECT_EQ(observed().state, State::running) << "the kernel shows that";
    ASSERT_TRUE(eventually([&] { return link_->seen().read; })) << link_->seen().trouble;
    EXPECT_EQ(observed().pid, pid);
    // Signals come again.
    host_->must_run("systemctl stop service");
    EXPECT_TRUE(becomes(State::absent));
}

TEST_F(Systemd, AnotherSystemdIsFoundToo) {
    write();
    start();
    host_->must_run("systemctl daemon-reexec");
    ASSERT_TRUE(eventually([&] { return link_->seen().read; })) << link_->seen().trouble;
    EXPECT_EQ(observed().state, State::running);
    host_->must_run("systemctl stop service");
    EXPECT_TRUE(becomes(State::absent));
}

// What a start without an answer led to is observed; stop and kill reach the processes without
// systemd.
TEST_F(Systemd, ASystemdThatHangsKeepsNobodyWaiting) {
    write();
    start();
    ASSERT_EQ(::kill(host_->init(), SIGSTOP), 0);
    const auto timed = [](const auto& call) {
        const auto begin = std::chrono::steady_clock::now();
        auto result = call();
        EXPECT_LT(std::chrono::steady_clock::now() - begin, call_returns_within);
        return result;
    };
    const auto started = timed([&] { return backend_->start(); });
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::unknown_outcome) << started.error().message;
    EXPECT_EQ(timed([&] { return observed(); }).state, State::running);
    EXPECT_TRUE(timed([&] { return backend_->stop(); }));
    EXPECT_TRUE(eventually([&] { return cgroup_life(path()) == CgroupLife::empty; }));
    EXPECT_EQ(observed().state, State::unknown) << "something may be queued";
    EXPECT_TRUE(timed([&] { return backend_->kill(); }));
    EXPECT_FALSE(timed([&] { return backend_->check(); }));
    ASSERT_EQ(::kill(host_->init(), SIGCONT), 0);
    // The start came first, and the stops after it.
    EXPECT_TRUE(becomes(State::absent));
    EXPECT_TRUE(backend_->check());
}

// A bus that accepts connections, and never says a word.
TEST_F(Systemd, ABusThatDoesNotShakeHandsKeepsNobodyWaiting) {
    const auto socket_path = host_->share() + "/silent";
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    socket_path.copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::listen(listener, 4), 0);
    const auto begin = std::chrono::steady_clock::now();
    connect("unix:path=" + socket_path);
    EXPECT_EQ(observed().state, State::unknown);
    EXPECT_EQ(backend_->check().error().code, Errc::invalid);
    ASSERT_TRUE(warden_->set_deadline(clock_.now() + 60s));
    EXPECT_EQ(backend_->start().error().code, Errc::unavailable);
    EXPECT_TRUE(backend_->kill());
    backend_.reset();
    link_.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
    ::close(listener);
}

TEST_F(Systemd, WhereThereIsNoBusTheNodeSaysSo) {
    connect("unix:path=" + host_->share() + "/none");
    ASSERT_TRUE(eventually([&] { return !link_->seen().trouble.empty(); }));
    EXPECT_EQ(observed().state, State::unknown);
    EXPECT_TRUE(concerned("SystemdUnreachable"));
    EXPECT_THAT(backend_->check().error().message, HasSubstr("cannot be reached"));
}

}  // namespace
}  // namespace adapters::dbus
