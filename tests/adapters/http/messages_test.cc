#include "adapters/http/messages.h"

#include <gtest/gtest.h>

namespace adapters::http {
namespace {

// How many bytes a read returns depends on the network.
TEST(Request, AsksForOnePageAndEndsTheConnection) {
    EXPECT_EQ(get_request("/status?all", "[::1]:8080"),
              "GET /status?all HTTP/1.1\r\nHost: [::1]:8080\r\n"
              "User-Agent: convex-cluster-manager\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

TEST(Answer, MeansTheSameInWhateverPiecesItComes) {
    for (const std::size_t reason :
         {std::size_t{0}, longest_status_line - 14, longest_status_line}) {
        const auto answer = "HTTP/1.1 200 " + std::string(reason, 'x') + "\nbody";
        const auto whole = judge(answer, true);
        ASSERT_TRUE(whole);
        EXPECT_EQ(whole->healthy, reason < longest_status_line);
        for (std::size_t size = 0; size < answer.size(); ++size) {
            const auto early = judge(answer.substr(0, size), false);
            if (early) {
                EXPECT_EQ(early->healthy, whole->healthy) << size;
                EXPECT_EQ(early->reason, whole->reason) << size;
            }
        }
    }
}

TEST(Answer, NobodyIsListenedToForEver) {
    const std::string noise(longest_status_line, 'x');
    EXPECT_FALSE(judge(noise.substr(1), false));
    EXPECT_EQ(judge(noise.substr(1), true)->reason, "closed without an answer");
    EXPECT_EQ(judge(noise, false)->reason, "the answer is not HTTP");
}

// "103 Early Hints" says nothing of the answer that follows.
TEST(Answer, IsTheOneBehindTheInterimOnes) {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const auto answer = go_on + hints + good;
    const auto first_line = go_on.size() + hints.size() + good.find('\n');
    for (std::size_t size = 0; size <= answer.size(); ++size) {
        const auto verdict = judge(answer.substr(0, size), false);
        ASSERT_EQ(verdict.has_value(), size > first_line) << size;
        EXPECT_TRUE(!verdict || verdict->healthy) << size;
    }
    EXPECT_EQ(*body_of(answer).value(), "ok");
    EXPECT_EQ(judge(hints + "HTTP/1.1 503 Busy\r\n", false)->reason, "503 Busy");
    EXPECT_EQ(judge(hints, true)->reason, "closed without an answer");
    EXPECT_EQ(judge("HTTP/1.1 101 Switching Protocols\r\n\r\n", false)->reason,
              "101 Switching Protocols");
}

TEST(Answer, InterimOnesHaveALimitInBytes) {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string many;
    while (many.size() + go_on.size() <= most_of_interim_answers)
        many += go_on;
    EXPECT_FALSE(judge(many, false));
    EXPECT_TRUE(judge(many + "HTTP/1.1 200 OK\r\n", false)->healthy);
    EXPECT_EQ(judge(many + go_on, false)->reason, "interim answers without an end");
    const auto long_head = "HTTP/1.1 100 Continue\r\nX: " + std::string(many.size(), 'x');
    EXPECT_EQ(judge(long_head, false)->reason, "interim answers without an end");
    EXPECT_EQ(judge(long_head + "\r\n\r\nHTTP/1.1 200 OK\r\n", false)->reason,
              "interim answers without an end");
}

}  // namespace
}  // namespace adapters::http
