#include "tests/architecture/locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Locks, AllOfTheTreeAreCheckedByClang) {
    EXPECT_THAT(tree_lock_violations(SOURCE_DIR), IsEmpty());
}

TEST(Locks, ThoseOfTheLibraryAndOfTheSystemAreFound) {
    for (const char* line : {"#include <mutex>",
                             "#include <shared_mutex>",
                             "#include <condition_variable>",
                             "    std::mutex mutex_;",
                             "    mutable std::shared_mutex mutex_;",
                             "    const std::lock_guard lock{mutex_};",
                             "    std::unique_lock<std::mutex> lock{mutex_};",
                             "    std::condition_variable_any changed_;",
                             "    static std::once_flag once;",
                             "    pthread_mutex_t mutex;",
                             "    void f() NO_THREAD_SAFETY_ANALYSIS;"}) {
        EXPECT_THAT(lock_violations("app/a.h", line), ElementsAre(HasSubstr("app/a.h"))) << line;
        EXPECT_THAT(lock_violations("adapters/sync/a.h", line), IsEmpty());
    }
    EXPECT_THAT(lock_violations("app/a.h", "#include <memory>\nint mutex;\n"), IsEmpty());
}

TEST(Locks, AMutexThatGuardsNothingIsFound) {
    EXPECT_THAT(lock_violations("app/a.h", "sync::Mutex mutex_;\nint a GUARDED_BY(mutex_);\n"),
                IsEmpty());
    EXPECT_THAT(lock_violations("app/a.h", "mutable adapters::sync::Mutex m;\nint a;\n"),
                ElementsAre(HasSubstr("GUARDED_BY(m)")));
    EXPECT_THAT(lock_violations("app/a.h",
                                "Mutex one ACQUIRED_BEFORE(two);\nMutex two;\n"
                                "int a GUARDED_BY(two);\n"),
                ElementsAre(HasSubstr("GUARDED_BY(one)")));
    EXPECT_THAT(lock_violations("app/a.h", "void wait(Mutex& mutex);\n"), IsEmpty());
    // What another class guards with a mutex of the same name counts for nothing.
    EXPECT_THAT(lock_violations("app/a.h",
                                "class A {\n int f() { return 1; }\n Mutex mutex_;\n int a;\n};\n"
                                "class B {\n Mutex mutex_;\n int b GUARDED_BY(mutex_);\n};\n"),
                ElementsAre(HasSubstr("GUARDED_BY(mutex_)")));
    EXPECT_THAT(lock_violations("app/a.h",
                                "class A {\n int f() { return 1; }\n Mutex mutex_;\n"
                                " struct C { int c; };\n int a GUARDED_BY(mutex_);\n};\n"),
                IsEmpty());
}

}  // namespace
}  // namespace architecture
