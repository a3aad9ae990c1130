#include "model/warden_message.h"

#include <gtest/gtest.h>

namespace model {
namespace {

using namespace std::chrono_literals;

WardenRequest start() {
    return {.kind = WardenRequest::Kind::start_backend, .id = 7, .entry = {3}};
}

TEST(WardenMessage, RequestsSurviveThePacket) {
    const auto packet = encode(start());
    ASSERT_TRUE(packet);
    EXPECT_EQ(*decode_warden_request(*packet), start());
    const WardenRequest hold{
        .kind = WardenRequest::Kind::set_deadline, .id = 1, .valid_until = Instant{5s}};
    EXPECT_EQ(*decode_warden_request(*encode(hold)), hold);
    const WardenRequest claim{.kind = WardenRequest::Kind::claim, .id = 2, .text = "n1"};
    EXPECT_EQ(*decode_warden_request(*encode(claim)), claim);
}

TEST(WardenMessage, AnswersSurviveThePacket) {
    WardenAnswer answer{.id = 3,
                        .failure = error(Errc::fenced, "no strike time is ahead"),
                        .status = {.valid_until = Instant{9s},
                                   .backend_running = true,
                                   .backend_unknown = true,
                                   .backend_contained = true,
                                   .backend_pid = 12,
                                   .backend_start_ticks = 345,
                                   .backend_cgroup = "/sys/fs/cgroup/x",
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
            (void)decode_warden_request(broken);  // refused or decoded, but no crash
            (void)decode_warden_answer(broken);
        }
}

// The warden would kill the node process that sends it.
TEST(WardenMessage, DoesNotSendWhatTheWardenRefuses) {
    EXPECT_TRUE(encode(start()));
    auto request = start();
    request.id = 0;
    EXPECT_EQ(encode(request).error().code, Errc::invalid);
    request = {
        .kind = WardenRequest::Kind::claim, .id = 1, .text = std::string(incarnation_limit, 'x')};
    EXPECT_TRUE(encode(request));
    request.text += 'x';
    EXPECT_EQ(encode(request).error().code, Errc::invalid);
    request.text = {'a', '\0', 'b'};
    EXPECT_EQ(encode(request).error().code, Errc::invalid);
}

TEST(WardenMessage, AnExitStatusIsOfWhatExited) {
    WardenAnswer answer{.id = 3, .failure = {}, .status = {.backend_exit = 9}};
    auto packet = encode(answer);
    EXPECT_EQ(*decode_warden_answer(packet), answer);
    // Clears the flag before the status; the incarnation's length follows it.
    packet.at(packet.size() - 9) = std::byte{0};
    EXPECT_FALSE(decode_warden_answer(packet));
}

}  // namespace
}  // namespace model
