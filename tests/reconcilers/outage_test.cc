#include "reconcilers/outage.h"

#include <gtest/gtest.h>

namespace reconcilers {
namespace {

TEST(Outage, EachReasonIsNewsOnceUntilTheNextSuccess) {
    Outage outage;
    EXPECT_FALSE(outage.succeeded()) << "nothing had failed";
    EXPECT_TRUE(outage.failed("not connected"));
    EXPECT_FALSE(outage.failed("not connected"));
    EXPECT_TRUE(outage.failed("no right")) << "the second cause behind the first";
    EXPECT_FALSE(outage.failed("not connected")) << "they alternate";
    EXPECT_EQ(outage.reason(), "not connected");
    EXPECT_TRUE(outage.ongoing());
    EXPECT_TRUE(outage.succeeded());
    EXPECT_FALSE(outage.ongoing());
    EXPECT_EQ(outage.reason(), "");
    EXPECT_TRUE(outage.failed("no right"));
}

TEST(Outage, ReasonsThatNeverRepeatDoNotFillTheLog) {
    Outage outage;
    std::size_t reports = 0;
    for (int i = 0; i < 1000; ++i)
        if (outage.failed("attempt " + std::to_string(i))) ++reports;
    EXPECT_EQ(reports, Outage::most_reports);
    EXPECT_EQ(outage.reason(), "attempt 999");
}

}  // namespace
}  // namespace reconcilers
