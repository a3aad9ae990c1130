// Clusters whose backend is a unit of systemd, on hosts with real systemd, with the shipped units.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/support/processes.h"
#include "tests/support/unit_hosts.h"

namespace {

using namespace std::chrono_literals;
using test_support::UnitHosts;
using test_support::Writer;

/// Polls how many hosts have a living backend.
class Watch {
public:
    explicit Watch(const UnitHosts& hosts)
        : thread_{[this, &hosts](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  if (hosts.backends_alive() > 1) ++twice_;
                  ++polls_;
                  std::this_thread::sleep_for(5ms);
              }
          }} {}
    ~Watch() {
        thread_.request_stop();
        thread_.join();
        EXPECT_EQ(twice_, 0) << "two backends lived at once";
        EXPECT_GT(polls_, 10);
    }

private:
    std::atomic<int> twice_ = 0;
    std::atomic<int> polls_ = 0;
    std::jthread thread_;
};

int main_pid(UnitHosts& hosts, int host) {
    return std::atoi(hosts.host(host).must_run("systemctl show -P MainPID convex-backend").c_str());
}

class Units : public testing::Test {
protected:
    void start_all() {
        for (int host = 1; host <= hosts_.size(); ++host)
            hosts_.start(host);
        first_ = hosts_.wait_serving();
        hosts_.wait_fit();
    }
    UnitHosts hosts_{3};
    int first_ = 0;
};

// The power of the leader's host is cut; then it comes back. defects.md C12, M09
TEST_F(Units, AFailoverToAnotherHostLosesNothingThatTheStoreHas) {
    start_all();
    int second = 0;
    {
        const Watch watch{hosts_};
        Writer writer{hosts_.backends()};
        ASSERT_TRUE(writer.wait_more(50));
        hosts_.host(first_).power_off();
        second = hosts_.wait_serving(first_);
        ASSERT_TRUE(writer.wait_more(50));
        hosts_.host(first_).power_on();
        hosts_.install(first_);
        hosts_.start(first_);
        hosts_.wait_fit();
        writer.stop();
    }
    EXPECT_EQ(hosts_.serving(), second);
    EXPECT_FALSE(hosts_.backend_lives(first_));
}

// kill -9 of everything of the daemon: the unit goes on, and no client sees an error. And of the
// unit itself: that is noticed, and it serves again. defects.md C22, M13
TEST_F(Units, ADaemonThatIsKilledComesBackToItsBackend) {
    start_all();
    const auto pid = main_pid(hosts_, first_);
    ASSERT_GT(pid, 0);
    Writer writer{{hosts_.backend(first_)}};
    ASSERT_TRUE(writer.wait_more(20));
    hosts_.host(first_).must_run(
        "systemctl kill --kill-who=all -s KILL convex-cluster-manager; "
        "until systemctl is-active -q convex-cluster-manager; do sleep 0.02; done");
    hosts_.wait_until("the next daemon to serve", [&] { return hosts_.serving() == first_; });
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    EXPECT_EQ(writer.failures(), 0);
    EXPECT_EQ(main_pid(hosts_, first_), pid) << "it was not started again";

    hosts_.host(first_).must_run("systemctl kill -s KILL convex-backend");
    hosts_.wait_until("another run of it", [&] {
        const auto now = main_pid(hosts_, first_);
        return now != 0 && now != pid && hosts_.serving() == first_;
    });
}

// defects.md C10
TEST_F(Units, WhoeverStartsTheBackendOnAPassiveHostHasItKilled) {
    start_all();
    const int passive = first_ == 1 ? 2 : 1;
    (void)hosts_.host(passive).run("systemctl start convex-backend");
    hosts_.wait_until(
        "its death", [&] { return !hosts_.backend_lives(passive); }, 5s);
    // Also one that was there before the daemon.
    hosts_.host(passive).must_run("systemctl stop convex-cluster-manager");
    hosts_.host(passive).must_run("systemctl start convex-backend");
    ASSERT_TRUE(hosts_.backend_lives(passive));
    hosts_.start(passive);
    hosts_.wait_until(
        "its death", [&] { return !hosts_.backend_lives(passive); }, 10s);
    EXPECT_EQ(hosts_.serving(), first_);
}

// defects.md C23, M10: in this order, and with a limit for each.
TEST_F(Units, ADemotionMovesTheServiceAndLosesNothing) {
    start_all();
    const Watch watch{hosts_};
    Writer writer{hosts_.backends()};
    ASSERT_TRUE(writer.wait_more(50));
    hosts_.host(first_).must_run("convex-cluster-manager demote");
    const int second = hosts_.wait_serving(first_);
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    EXPECT_TRUE(
        test_support::missing(writer.acknowledged(), test_support::notes_of(hosts_.backend(second)))
            .empty());
}

class OneUnit : public testing::Test {
protected:
    void SetUp() override {
        hosts_.start(1);
        hosts_.wait_serving();
    }
    /// A drop-in of a unit.
    void set(const std::string& text, const std::string& unit = "convex-cluster-manager") {
        const auto directory = "/etc/systemd/system/" + unit + ".service.d";
        hosts_.host(1).must_run("mkdir -p " + directory + "; printf '[Service]\\n" + text + "' > " +
                                directory + "/zz.conf; systemctl daemon-reload");
    }
    UnitHosts hosts_{1};
};

// No warden comes up that would enforce the lease: the fence unit does, and starts the daemon
// again.
TEST_F(OneUnit, ADaemonThatFailsAtEachStartLeavesNoBackend) {
    set("ExecStart=\\nExecStart=/bin/sh -c \"sleep 0.7; exit 1\"\\n");
    hosts_.host(1).must_run("systemctl kill --kill-who=all -s KILL convex-cluster-manager");
    hosts_.wait_until(
        "the backend's end", [&] { return !hosts_.backend_lives(1); }, 8s);
    set("");
    hosts_.wait_until("the daemon's return", [&] { return hosts_.serving() == 1; });
}

// Status 78 of a daemon whose configuration is wrong: it is not started again and again.
TEST_F(OneUnit, ADaemonThatCannotRunIsNotStartedAgain) {
    hosts_.host(1).must_run(
        "echo '{}' > /etc/convex/cluster.json; "
        "systemctl kill --kill-who=all -s KILL convex-cluster-manager");
    // By the fence unit, which cannot load the configuration either.
    hosts_.wait_until(
        "the backend's end", [&] { return !hosts_.backend_lives(1); }, 8s);
    hosts_.host(1).must_run("sleep 8");  // longer than the pause before another start
    EXPECT_EQ(hosts_.host(1).run("systemctl is-failed -q convex-cluster-manager").status, 0);
    EXPECT_EQ(hosts_.host(1).must_run("systemctl show -P ExecMainStatus convex-cluster-manager"),
              "78\n");
    EXPECT_FALSE(hosts_.backend_lives(1));
}

// The documented variant: the daemon as an ordinary user, and a rule of polkit for the one unit.
TEST(UnprivilegedUnit, RunsAndIsEndedByADaemonThatIsNotRoot) {
    UnitHosts hosts{1};
    auto& host = hosts.host(1);
    host.must_run(
        "chown convex:convex /etc/convex; cd /usr/share/doc/convex-cluster-manager/unprivileged; "
        "install -D -m 644 convex-cluster-manager.service.d.conf "
        "/etc/systemd/system/convex-cluster-manager.service.d/unprivileged.conf; "
        "install -D -m 644 50-convex-cluster-manager.rules -t /etc/polkit-1/rules.d; "
        "systemctl daemon-reload");
    hosts.start(1);
    hosts.wait_serving();
    const auto user = [&host](const std::string& unit) {
        return host.must_run("stat -c %U /proc/$(systemctl show -P MainPID " + unit + ")");
    };
    EXPECT_EQ(user("convex-cluster-manager"), "convex\n");
    EXPECT_EQ(user("convex-backend"), "convex\n");
    // Orderly, and by the warden alone: nothing renews the lease.
    host.must_run("systemctl stop convex-cluster-manager");
    EXPECT_FALSE(hosts.backend_lives(1));
    host.must_run("systemctl start convex-cluster-manager");
    hosts.wait_serving();
    hosts.server().stop();
    hosts.wait_until("its end with the lease", [&] { return !hosts.backend_lives(1); });
    // No other unit: the rule is for this one.
    EXPECT_NE(host.run("runuser -u convex -- busctl call org.freedesktop.systemd1 "
                       "/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StopUnit ss "
                       "dbus.service replace")
                  .status,
              0);
}

// What a process inherits from the daemon's unit does not break it: one that writes code into
// memory and runs it, as a JIT does.
TEST(ShippedUnit, AProcessBackendUnderItMayHaveAJit) {
    UnitHosts hosts{1};
    hosts.start(1, R"({"kind": "process", "process": {"user": "convex", "command": ["/bin/sh", "-c",
        "perl -e 'print syscall(9, 0, 4096, 7, 34, -1, 0) == -1 ? \"no\" : \"yes\"' > /var/lib/convex/jit; exec /usr/bin/convex-local-backend --port 3210 --site-proxy-port 3211 /var/lib/convex/data"]}})");
    hosts.wait_serving();
    EXPECT_EQ(hosts.host(1).must_run("cat /var/lib/convex/jit"), "yes");
    EXPECT_EQ(hosts.host(1).must_run("stat -c %U /var/lib/convex/jit"), "convex\n");
}

// W7: the second belt ends a unit too. Without systemd's watchdog, which would come first.
TEST_F(OneUnit, AWardenThatStandsStillHasItsUnitKilledInItsPlace) {
    set("WatchdogSec=0\\n");
    set("KillSignal=SIGCONT\\n", "convex-backend");  // a stop leaves it running
    hosts_.host(1).must_run(
        "systemctl kill --kill-who=all -s KILL convex-cluster-manager; "
        "until systemctl is-active -q convex-cluster-manager; do sleep 0.02; done");
    hosts_.wait_until("the daemon's return", [&] { return hosts_.serving() == 1; });
    hosts_.host(1).must_run("systemctl kill --kill-who=main -s STOP convex-cluster-manager");
    hosts_.wait_until(
        "the backend's end", [&] { return !hosts_.backend_lives(1); }, 8s);
    hosts_.wait_until("what the belt says",
                      [&] { return hosts_.journal(1).find("belt.struck") != std::string::npos; });
    hosts_.host(1).must_run("systemctl kill --kill-who=main -s CONT convex-cluster-manager");
    hosts_.wait_until("its return", [&] { return hosts_.serving() == 1; });
}

}  // namespace
