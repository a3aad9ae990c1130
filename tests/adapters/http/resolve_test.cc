#include "adapters/http/resolve.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/eventually.h"

namespace adapters::http {
namespace {

TEST(Resolution, OfAnAddressIsKnownAtOnce) {
    EXPECT_EQ(Resolution("127.0.0.1", 80).poll()->size(), 1u);
    EXPECT_TRUE(Resolution("127.0.0.1", 80).numeric());
    EXPECT_EQ(Resolution("::1", 80).poll()->front().storage.ss_family, AF_INET6);
}

// A name service that hangs holds a thread for each look-up.
TEST(Resolution, OfANameIsRefusedWhereManyWait) {
    const auto answered = std::make_shared<std::latch>(1);
    const auto hanging = [answered](const std::string&, std::uint16_t) {
        answered->wait();
        return std::vector<Address>(1);
    };
    std::vector<std::unique_ptr<Resolution>> waiting;
    for (int i = 0; i < most_look_ups; ++i) {
        waiting.push_back(std::make_unique<Resolution>("name", 80, hanging));
        ASSERT_TRUE(waiting.back()->started());
        EXPECT_FALSE(waiting.back()->poll());
    }
    const Resolution refused{"name", 80, hanging};
    ASSERT_FALSE(refused.started());
    EXPECT_EQ(refused.started().error().message, "the name service does not answer");
    EXPECT_TRUE(Resolution("127.0.0.1", 80).started()) << "needs no name service";
    answered->count_down();
    for (const auto& one : waiting)
        EXPECT_TRUE(test_support::eventually([&] { return one->poll().has_value(); }));
    EXPECT_TRUE(Resolution("name", 80, hanging).started());
    EXPECT_FALSE(Resolution("cafe.de", 80, hanging).numeric()) << "hexadecimal digits and a dot";
}

}  // namespace
}  // namespace adapters::http
