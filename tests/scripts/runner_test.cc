// Tests of the script runner: parsing, output and errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scripts/directive.h"
#include "tests/scripts/output.h"
#include "tests/scripts/player.h"

namespace scripts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Script parsed(std::string_view text) {
    auto script = parse(text);
    EXPECT_TRUE(script) << script.error().message;
    return script ? *script : Script{};
}

std::vector<std::string> texts(const Block& block) {
    std::vector<std::string> all;
    for (const auto& directive : block.directives)
        all.push_back(std::to_string(directive.line) + " " + directive.text);
    return all;
}

TEST(ScriptForm, HasBlocksOfDirectivesAndWhatTheyPrint) {
    const auto script = parsed(
        "# why\n"
        "\n"
        "one; two\n"
        "three\n"
        "----\n"
        "n1  this\n"
        "n2  that\n"
        "\n"
        "# more\n"
        "four\n"
        "----\n");
    ASSERT_EQ(script.blocks.size(), 2U);
    EXPECT_THAT(texts(script.blocks[0]), ElementsAre("3 one", "3 two", "4 three"));
    EXPECT_EQ(script.blocks[0].output_line, 6U);
    EXPECT_THAT(script.blocks[0].output, ElementsAre("n1  this", "n2  that"));
    EXPECT_THAT(texts(script.blocks[1]), ElementsAre("10 four"));
    EXPECT_EQ(script.blocks[1].output_line, 12U);
    EXPECT_THAT(script.blocks[1].output, ElementsAre());
}

TEST(ScriptForm, RepeatsTheIndentedLines) {
    const auto script = parsed("repeat 2\n  one; two\n  three\nfour\n----\n");
    ASSERT_EQ(script.blocks.size(), 1U);
    EXPECT_THAT(texts(script.blocks[0]),
                ElementsAre("2 one", "2 two", "3 three", "2 one", "2 two", "3 three", "4 four"));
}

TEST(ScriptForm, HasCommentsBetweenDirectives) {
    const auto script = parsed("one\n# why\nrepeat 1\n  two\n# and\nthree\n----\n");
    ASSERT_EQ(script.blocks.size(), 1U);
    EXPECT_THAT(texts(script.blocks[0]), ElementsAre("1 one", "4 two", "6 three"));
}

TEST(ScriptForm, SaysInWhichLineItIsBroken) {
    const auto why = [](std::string_view text) {
        const auto script = parse(text);
        return script ? "" : script.error().message;
    };
    EXPECT_THAT(why("one\n"), StartsWith("1: no ---- ends"));
    EXPECT_THAT(why("one\n----\n\ntwo\n\n----\n"), StartsWith("4: no ---- ends"));
    EXPECT_THAT(why("# only\n----\n"), StartsWith("2: no directive"));
    EXPECT_THAT(why("  one\n----\n"), StartsWith("1: indented"));
    EXPECT_THAT(why("repeat 0\n  one\n----\n"), StartsWith("1: repeat wants"));
    EXPECT_THAT(why("repeat 1001\n  one\n----\n"), StartsWith("1: repeat wants"));
    EXPECT_THAT(why("repeat 2\none\n----\n"), StartsWith("1: nothing is indented"));
    EXPECT_EQ(why("repeat 1000\n  one\n----\n"), "");
    EXPECT_EQ(why(""), "");
}

TEST(ScriptForm, RenewsTheOutputAndNothingElse) {
    const auto script = parsed("# why\n\none\n----\nold\nolder\n\n# more\ntwo\n----\n");
    EXPECT_EQ(renew(script, {{"old", "older"}, {}}),
              "# why\n\none\n----\nold\nolder\n\n# more\ntwo\n----\n");
    EXPECT_EQ(renew(script, {{}, {"new"}}), "# why\n\none\n----\n\n# more\ntwo\n----\nnew\n");
}

TEST(ScriptForm, ShowsWhatDiffersAndWhere) {
    const auto block = parsed("one\n----\na\nb\nc\n").blocks.at(0);
    const auto changed = differ(block, {"a", "x", "c"});
    EXPECT_EQ(changed.line, 4U);
    EXPECT_EQ(changed.text, "  a\n- b\n+ x\n  c\n");
    EXPECT_EQ(differ(block, {"a", "b"}).line, 5U);
    const auto longer = differ(block, {"a", "b", "c", "d"});
    EXPECT_EQ(longer.line, 6U);
    EXPECT_EQ(longer.text, "  a\n  b\n  c\n+ d\n");
}

TEST(ScriptOutput, AlignsLinesOfOneKind) {
    Output output;
    output.add("event", {"n1", "lease.lost", "epoch=1"});
    output.add("event", {"n2", "role.draining_started", "epoch=2"});
    output.add("count", {"lease.lost", "1"});
    output.add("event", {"n1", "lease.lost", ""});
    EXPECT_THAT(output.lines(),
                ElementsAre("n1  lease.lost             epoch=1",
                            "n2  role.draining_started  epoch=2",
                            "lease.lost  1",
                            "n1  lease.lost"));
}

sim::Event event(const std::string& name,
                 reconcilers::ports::Level level = reconcilers::ports::Level::info) {
    return {.level = level, .node = "n1", .name = name, .fields = {}, .line = {}};
}

TEST(ScriptFilter, TheLastPatternThatFitsDecidesAndErrorsAreAlwaysShown) {
    const Filter filter{{"role.*", "-role.left", "lease.lost"}};
    EXPECT_TRUE(filter.shows(event("role.taken")));
    EXPECT_FALSE(filter.shows(event("role.left")));
    EXPECT_TRUE(filter.shows(event("lease.lost")));
    EXPECT_FALSE(filter.shows(event("lease.lost_again")));
    EXPECT_FALSE(filter.shows(event("replica.role.taken")));
    EXPECT_TRUE(filter.shows(event("role.left", reconcilers::ports::Level::error)));
    EXPECT_FALSE(Filter{{}}.shows(event("role.taken")));
    const Filter usual{{"usual", "backend.starting"}};
    EXPECT_TRUE(usual.shows(event("role.taken")));
    EXPECT_TRUE(usual.shows(event("backend.starting")));
    EXPECT_FALSE(usual.shows(event("backend.started")));
}

/// The output of a script, or its failure.
std::vector<std::string> played(const std::string& directives) {
    const auto done = play(parsed(directives + "\n----\n"));
    if (!done.failure.empty()) return {std::to_string(done.line) + ": " + done.failure};
    return done.outputs.at(0);
}

TEST(ScriptPlayer, IsTheSameEachTime) {
    const auto script = "start seed=5; powercut n1; wait primary n2 within 13s; show status";
    const auto once = played(script);
    EXPECT_GT(once.size(), 4U);
    EXPECT_EQ(played(script), once);
}

TEST(ScriptPlayer, PrintsEventsByNodeAndBeforeWhatIsShownAfterThem) {
    const auto lines = played(
        "events membership.claimed; cluster; boot n2; boot n1; advance 2s; count lease.taken;"
        "boot n2; advance 1s");
    EXPECT_THAT(lines,
                ElementsAre("n1  membership.claimed", "n2  membership.claimed", "lease.taken  1"));
}

TEST(ScriptPlayer, RefusesWhatItDoesNotKnow) {
    EXPECT_THAT(played("advance 1s"), ElementsAre(HasSubstr("there is no cluster yet")));
    EXPECT_THAT(played("start seed=x"), ElementsAre(HasSubstr("seed=x")));
    EXPECT_THAT(played("start speed=1"), ElementsAre(HasSubstr("no such option")));
    EXPECT_THAT(played("cluster\nboot n3"),
                ElementsAre(StartsWith("2: boot n3: it is not written so")));
    EXPECT_THAT(played("cluster; sleep 1s"), ElementsAre(HasSubstr("there is no such directive")));
    EXPECT_THAT(played("cluster; advance 1"), ElementsAre(HasSubstr("advance DURATION")));
    EXPECT_THAT(played("cluster; advance 1s 2s"), ElementsAre(HasSubstr("advance DURATION")));
    EXPECT_THAT(played("cluster; partition n1 log"), ElementsAre(HasSubstr("no node process")));
}

TEST(ScriptPlayer, FailsAtAWaitInVainAndSaysHowTheClusterStands) {
    EXPECT_THAT(played("cluster; wait primary within 5s"),
                ElementsAre(testing::AllOf(HasSubstr("not within 5s"), HasSubstr("n1: no power"))));
}

// Where nothing strikes, the backend of a stopped node process outlives its lease.
TEST(ScriptPlayer, PrintsAViolationOnceWhereARuleWasTakenAway) {
    const std::string script = "; events none; stop n1; advance 9s; advance 20s; advance 1s";
    EXPECT_THAT(played("start without=warden" + script), ElementsAre("violation  I1"));
    EXPECT_THAT(played("start" + script), ElementsAre());
}

TEST(ScriptStage, FailsAtAViolationOfTheRules) {
    Stage stage;
    stage.build({});
    ASSERT_TRUE(stage.note_events());
    stage.world().fail("sequence 7, ltx/0/Iron: I9: made up");
    const auto printed = stage.note_events();
    ASSERT_FALSE(printed);
    EXPECT_THAT(printed.error().message, HasSubstr("I9: made up"));
    EXPECT_THAT(stage.output(), ElementsAre("violation  I9"));
}

TEST(ScriptUsage, EachDirectiveSaysWhatItDoes) {
    for (const auto rules : {acts(), waits(), shows()}) {
        for (const auto& rule : rules) {
            EXPECT_FALSE(rule.does.empty()) << rule.usage;
            EXPECT_THAT(usage(), HasSubstr(std::string{rule.usage}));
        }
    }
}

}  // namespace
}  // namespace scripts
