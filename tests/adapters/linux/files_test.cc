// Error cases of the real disk.
#include "adapters/linux/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

using model::as_bytes;
using model::Errc;

TEST(Files, AreTheOwnersAlone) {
    const test_support::TempDir directory;
    Files files;
    const auto path = directory.path() + "/d/a";
    ASSERT_TRUE(files.create_directory(directory.path() + "/d"));
    ASSERT_TRUE(files.write(path, as_bytes("x"), true));
    struct stat what {};
    ASSERT_EQ(::stat(path.c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 07777, 0600U);
    ASSERT_EQ(::stat((directory.path() + "/d").c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 07777, 0700U);
}

TEST(Files, ATemporaryNameThatIsALinkIsNotFollowed) {
    const test_support::TempDir directory;
    Files files;
    const auto victim = directory.path() + "/victim";
    ASSERT_TRUE(files.write(victim, as_bytes("precious"), false));
    ASSERT_EQ(::symlink(victim.c_str(), (directory.path() + "/.a.tmp").c_str()), 0);
    const auto written = files.write(directory.path() + "/a", as_bytes("x"), false);
    EXPECT_FALSE(written);
    EXPECT_EQ(model::to_text(*files.read(victim)), "precious");
}

TEST(Files, APipeIsRefusedAndNotWaitedFor) {
    const test_support::TempDir directory;
    Files files;
    const auto path = directory.path() + "/pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(files.read(path).error().code, Errc::invalid);
    EXPECT_EQ(files.read_at(path, 0, 1).error().code, Errc::invalid);
    EXPECT_FALSE(files.write_at(path, 0, as_bytes("x")));
    EXPECT_EQ(files.sync(path).error().code, Errc::invalid);
}

TEST(Files, LeaveNoDescriptorOpen) {
    const test_support::TempDir directory;
    Files files;
    const auto before = files.list("/proc/self/fd")->size();
    const auto path = directory.path() + "/a";
    for (int i = 0; i < 50; ++i) {
        (void)files.write(path, as_bytes("x"), true);
        (void)files.read(path);
        (void)files.read(directory.path());
        (void)files.write(directory.path() + "/absent/a", as_bytes("x"), true);
        (void)files.list(directory.path());
        (void)files.sync_directory(directory.path());
    }
    EXPECT_EQ(files.list("/proc/self/fd")->size(), before);
}

// Runs `body` in a child process with its own mount namespace, where a tmpfs of `size` is mounted
// on `directory`. Returns what `body` reports as wrong, or "".
std::string on_small_disk(const std::string& directory,
                          const char* size,
                          const std::function<std::string()>& body) {
    int out[2] = {-1, -1};
    if (::pipe2(out, O_CLOEXEC) != 0) return "pipe";
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::string wrong;
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", directory.c_str(), "tmpfs", 0, size) != 0)
            wrong = "mount: needs root";
        else
            wrong = body();
        [[maybe_unused]] const auto written = ::write(out[1], wrong.data(), wrong.size());
        ::_exit(0);
    }
    ::close(out[1]);
    std::string wrong;
    char buffer[512];
    for (ssize_t got = 0; (got = ::read(out[0], buffer, sizeof buffer)) > 0;)
        wrong.append(buffer, static_cast<std::size_t>(got));
    ::close(out[0]);
    ::waitpid(pid, nullptr, 0);
    return wrong;
}

TEST(FilesSystem, AFullDiskKeepsTheOldFileAndSaysWhy) {
    const test_support::TempDir directory;
    const auto wrong = on_small_disk(directory.path(), "size=1m", [&]() -> std::string {
        Files files;
        const auto path = directory.path() + "/a";
        if (!files.write(path, as_bytes("old"), true)) return "first write";
        const std::string big(2 * 1024 * 1024, 'x');
        const auto failed = files.write(path, as_bytes(big), true);
        if (failed) return "2 MiB fitted into 1 MiB";
        if (failed.error().code != Errc::unavailable) return "code";
        if (failed.error().message.find("No space left on device") == std::string::npos ||
            failed.error().message.find(directory.path()) == std::string::npos)
            return failed.error().message;
        if (model::to_text(*files.read(path)) != "old") return "the old file is gone";
        if (files.exists(directory.path() + "/.a.tmp").value()) return "it still fills the disk";
        const auto grown = files.write_at(path, 0, as_bytes(big));
        if (grown || grown.error().code != Errc::unavailable) return "write_at";
        if (!files.truncate(path, 0) || !files.write(path, as_bytes("new"), true))
            return "no way back";
        return "";
    });
    EXPECT_EQ(wrong, "");
}

TEST(FilesSystem, AReadOnlyDiskIsUnavailable) {
    const test_support::TempDir directory;
    const auto wrong = on_small_disk(directory.path(), "size=1m", [&]() -> std::string {
        Files files;
        const auto path = directory.path() + "/a";
        if (!files.write(path, as_bytes("old"), true)) return "first write";
        if (::mount(nullptr, directory.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) !=
            0)
            return "remount";
        const auto failed = files.write(path, as_bytes("new"), true);
        if (failed || failed.error().code != Errc::unavailable) return "write";
        if (files.remove(path)) return "remove";
        return model::to_text(*files.read(path)) == "old" ? "" : "read";
    });
    EXPECT_EQ(wrong, "");
}

}  // namespace
}  // namespace adapters::linux_host
