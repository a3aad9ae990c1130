#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "tests/config/input.h"

namespace config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// defects.md C31
TEST(ConfigCheck, TheLeaseLastsAtLeastThreeHeartbeats) {
    const auto with = [](std::int64_t ttl, std::int64_t heartbeat) {
        return errors(input({{"election.leaderTtlMs", number(ttl)},
                             {"election.heartbeatIntervalMs", number(heartbeat)}}));
    };
    EXPECT_THAT(with(9000, 3000), IsEmpty());
    EXPECT_THAT(with(8999, 3000), Contains(HasSubstr("three heartbeats")));
}

TEST(ConfigCheck, TheMarginIsAtLeastAFifthOfTheTtlAndHalfASecond) {
    const auto with = [](std::int64_t ttl, std::int64_t margin, std::int64_t heartbeat) {
        return errors(input({{"election.leaderTtlMs", number(ttl)},
                             {"election.heartbeatIntervalMs", number(heartbeat)},
                             {"election.fenceMarginMs", number(margin)}}));
    };
    EXPECT_THAT(with(10000, 2000, 3000), IsEmpty());
    EXPECT_THAT(with(10000, 1999, 3000), Contains(HasSubstr("at least 20 %")));
    EXPECT_THAT(with(1500, 500, 300), IsEmpty());
    EXPECT_THAT(with(1500, 499, 300), Contains(HasSubstr("must lie from 500")));
}

TEST(ConfigCheck, TwoRenewalsFitBeforeTheFence) {
    const auto with = [](std::int64_t margin) {
        return errors(input({{"election.leaderTtlMs", number(10000)},
                             {"election.heartbeatIntervalMs", number(3000)},
                             {"election.fenceMarginMs", number(margin)}}));
    };
    EXPECT_THAT(with(3750), IsEmpty());
    EXPECT_THAT(with(3751), Contains(HasSubstr("renew twice")));
}

TEST(ConfigCheck, ADirectoryIsRefusedWhereAFileBelongs) {
    EXPECT_THAT(errors(input({{"backend.dataPath", text("/var/lib/convex/data/")}})),
                ElementsAre(AllOf(HasSubstr("is a directory, and a file belongs here"),
                                  HasSubstr("/var/lib/convex/data/db.sqlite3"))));
    EXPECT_THAT(errors(input({{"wal.replicaPath", text("/replica/.")}})),
                Contains(HasSubstr("is a directory")));
}

TEST(ConfigCheck, NoTwoPathsAreTheSameFileHoweverTheyAreSpelt) {
    const auto with = [](const char* data, const char* replica, const char* state) {
        return errors(input({{"backend.dataPath", text(data)},
                             {"wal.replicaPath", text(replica)},
                             {"stateDir", text(state)}}));
    };
    EXPECT_THAT(with("/d/db", "/d/replica", "/s"), IsEmpty());
    EXPECT_THAT(with("/d/db", "/d/db2", "/d/dbs"), IsEmpty());
    EXPECT_THAT(with("/d/db", "/d/x/..//./db", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/db-wal", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db-wal", "/d/db", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/db/replica", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/d/db"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/d/db/state"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/d"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/"), Not(IsEmpty()));
}

TEST(ConfigCheck, OneKindOfLogin) {
    EXPECT_THAT(errors(input({{"nats.user", text("u")}, {"nats.passwordFile", text("/p")}})),
                IsEmpty());
    EXPECT_THAT(errors(input({{"nats.user", text("u")}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.passwordFile", text("/p")}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.user", text("u")},
                              {"nats.password", text("p")},
                              {"nats.passwordFile", text("/p")}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.credentials", text("/c")}, {"nats.tokenFile", text("/t")}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.tls.cert", text("/c")}})), Not(IsEmpty()));
}

TEST(ConfigCheck, TheTwoListenersDoNotShareAPort) {
    EXPECT_THAT(errors(input({{"metrics.listen", text("0.0.0.0:8080")}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"api.listen", text("127.0.0.1:9000")},
                              {"metrics.listen", text("127.0.0.2:9000")}})),
                IsEmpty());
}

TEST(ConfigCheck, ANodeWithAProcessNamesItsProgram) {
    EXPECT_THAT(errors(input({{"backend.process.command", {List{}}}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.command", {List{text("")}}}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.limits", {Map{{"files", number(1)}}}}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.limits", {Map{{"nofile", number(-1)}}}}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.env", {Map{{"A=B", text("")}}}}})), Not(IsEmpty()));
}

TEST(ConfigCheck, ABackendThatCannotBeEndedIsRefused) {
    const auto with = [](List command) {
        return errors(input({{"backend.process.command", {std::move(command)}}}));
    };
    EXPECT_THAT(with({text("/usr/bin/docker"), text("run"), text("service")}),
                Contains(HasSubstr("use backend.kind = docker")));
    EXPECT_THAT(with({text("/bin/sh"), text("-c"), text("sudo -u convex service")}),
                Contains(HasSubstr("use backend.process.user")));
    EXPECT_THAT(with({text("/usr/bin/service-of-ours"), text("docker")}), IsEmpty());
}

}  // namespace
}  // namespace config
