#include "model/warden_message.h"

#include <gtest/gtest.h>

namespace model {
namespace {

using namespace std::chrono_literals;

WardenRequest start() {
    return {.kind = WardenRequest::Kind::start_backend,
            .id = 7,
            .spawn = {.command = {"/bin/backend", "--port", "1", ""},
                      .dir = "/srv",
                      .env = {"A=1", "B="},
                      .change_user = true,
                      .uid = 33,
                      .gid = 34,
                      .groups = {34, 35},
                      .limits = {{"nofile", 1024}, {"core", 0}}}};
}

TEST(WardenMessage, RequestsSurviveThePacket) {
    const auto packet = encode(start());
    ASSERT_TRUE(packet);
    EXPECT_EQ(*decode_warden_request(*packet), start());
    const WardenRequest hold{
        .kind = WardenRequest::Kind::hold_until, .id = 1, .valid_until = Instant{5s}};
    EXPECT_EQ(*decode_warden_request(*encode(hold)), hold);
    const WardenRequest claim{.kind = WardenRequest::Kind::claim, .id = 2, .text = "n1"};
    EXPECT_EQ(*decode_warden_request(*encode(claim)), claim);
}

TEST(WardenMessage, TargetsSurviveThePacketOrAreRefused) {
    WardenRequest watch{
        .kind = WardenRequest::Kind::watch,
        .id = 1,
        .target = {.kind = WardenTarget::Kind::address, .name = "192.0.2.7/24", .ifindex = 2}};
    EXPECT_EQ(*decode_warden_request(*encode(watch)), watch);
    watch.target.ifindex = 0;
    EXPECT_FALSE(decode_warden_request(*encode(watch)));
    watch.kind = WardenRequest::Kind::forget;
    watch.target = {.name = "/sys/fs/cgroup/x"};
    EXPECT_EQ(*decode_warden_request(*encode(watch)), watch);
    for (const auto& bad :
         {std::string{}, std::string{"relative"}, "/" + std::string(target_name_limit, 'x')}) {
        watch.target.name = bad;
        EXPECT_FALSE(decode_warden_request(*encode(watch)));
    }
}

TEST(WardenMessage, AnswersSurviveThePacket) {
    WardenAnswer answer{.id = 3,
                        .failure = error(Errc::fenced, "no strike time is ahead"),
                        .status = {.valid_until = Instant{9s},
                                   .backend_running = true,
                                   .backend_contained = true,
                                   .backend_pid = 12,
                                   .backend_starts = 4,
                                   .backend_exit = 9,
                                   .incarnation = "n1"}};
    EXPECT_EQ(*decode_warden_answer(encode(answer)), answer);
    answer.failure.reset();
    answer.status.backend_exit.reset();
    EXPECT_EQ(*decode_warden_answer(encode(answer)), answer);
}

TEST(WardenMessage, RefusesEveryCutAndWhatIsTooLong) {
    const auto packet = *encode(start());
    for (std::size_t size = 0; size < packet.size(); ++size)
        EXPECT_FALSE(decode_warden_request(ByteView{packet}.first(size))) << size;
    auto longer = packet;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode_warden_request(longer));
}

TEST(WardenMessage, SurvivesAnyFlippedByte) {
    const auto packet = *encode(start());
    for (std::size_t i = 0; i < packet.size(); ++i)
        for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
            auto broken = packet;
            broken[i] ^= static_cast<std::byte>(mask);
            (void)decode_warden_request(broken);  // refused or read, never a crash
            (void)decode_warden_answer(broken);
        }
}

TEST(WardenMessage, RefusesWhatTheWardenCouldNotRun) {
    auto request = start();
    request.spawn.command = {"relative"};
    EXPECT_FALSE(decode_warden_request(*encode(request)));
    request.spawn.command = {};
    EXPECT_FALSE(decode_warden_request(*encode(request)));
    request = start();
    request.spawn.dir = "srv";
    EXPECT_FALSE(decode_warden_request(*encode(request)));
    request = start();
    request.id = 0;
    EXPECT_FALSE(decode_warden_request(*encode(request)));
}

TEST(WardenMessage, RefusesToSendTooMuch) {
    auto request = start();
    request.spawn.env.emplace_back(warden_message_limit, 'x');
    EXPECT_FALSE(encode(request));
    request = start();
    request.spawn.env.emplace_back(std::string{"A\0B", 3});
    EXPECT_FALSE(encode(request));
    EXPECT_TRUE(encode(WardenRequest{
        .kind = WardenRequest::Kind::claim, .id = 1, .text = std::string(incarnation_limit, 'x')}));
    EXPECT_FALSE(encode(WardenRequest{.kind = WardenRequest::Kind::claim,
                                      .id = 1,
                                      .text = std::string(incarnation_limit + 1, 'x')}));
}

}  // namespace
}  // namespace model
