// The example service examples/notes, and how an application behaves while we hold the write lock.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>

#include "adapters/sqlite/database.h"

namespace {

using Mode = reconcilers::ports::Database::Mode;
using std::chrono::milliseconds;

struct Notes : ::testing::Test {
    Notes() {
        std::string pattern = (std::filesystem::temp_directory_path() / "notes-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        start();
    }
    ~Notes() override {
        if (pid > 0) stop(SIGKILL);
        std::filesystem::remove_all(directory);
    }

    [[nodiscard]] std::string path() const { return directory / "data"; }

    void start() {
        int out[2];
        ASSERT_EQ(::pipe(out), 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        std::string words[] = {NOTES, "--database", path(), "--listen", "127.0.0.1:0"};
        char* pointers[] = {words[0].data(),
                            words[1].data(),
                            words[2].data(),
                            words[3].data(),
                            words[4].data(),
                            nullptr};
        ASSERT_EQ(::posix_spawn(&pid, NOTES, &actions, nullptr, pointers, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        ::close(out[1]);
        std::string line;
        char c = 0;
        while (::read(out[0], &c, 1) == 1 && c != '\n')
            line += c;
        ::close(out[0]);
        ASSERT_TRUE(line.starts_with("listening on ")) << line;
        port = std::stoi(line.substr(13));
    }

    int stop(int signal) {
        ::kill(pid, signal);
        int status = 0;
        ::waitpid(pid, &status, 0);
        pid = -1;
        return status;
    }

    /// Status and body, "200 {...}"; "" where there was no answer.
    [[nodiscard]] std::string ask(const std::string& line, const std::string& body = "") const {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::string answer;
        if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
            const std::string request =
                line + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\nConnection: close\r\n\r\n" + body;
            (void)!::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
            char bytes[4096];
            ssize_t got = 0;
            while ((got = ::recv(socket, bytes, sizeof bytes, 0)) > 0)
                answer.append(bytes, static_cast<std::size_t>(got));
        }
        ::close(socket);
        const auto split = answer.find("\r\n\r\n");
        if (split == std::string::npos) return "";
        return answer.substr(9, 4) + answer.substr(split + 4);
    }

    std::filesystem::path directory;
    pid_t pid = -1;
    int port = 0;
};

TEST_F(Notes, KeepsWhatItAnsweredOverAKill) {
    EXPECT_EQ(ask("GET /version"), "200 notes 1\n");
    EXPECT_EQ(ask("GET /count"), "200 {\"count\":0}\n");
    EXPECT_EQ(ask("POST /notes?id=7", "seven"), "200 {\"id\":7}\n");
    EXPECT_EQ(ask("POST /notes?id=9", "nine"), "200 {\"id\":9}\n");
    EXPECT_EQ(ask("POST /notes?id=7", "again").substr(0, 3), "409");
    stop(SIGKILL);
    start();
    EXPECT_EQ(ask("GET /notes?from=0"), "200 [7,9]\n");
    EXPECT_EQ(ask("GET /notes?from=8"), "200 [9]\n");
    EXPECT_EQ(ask("GET /count"), "200 {\"count\":2}\n");
}

TEST_F(Notes, RefusesWhatItDoesNotUnderstand) {
    EXPECT_EQ(ask("POST /notes", "x").substr(0, 3), "400");
    EXPECT_EQ(ask("POST /notes?id=x", "x").substr(0, 3), "400");
    EXPECT_EQ(ask("GET /notes?from=x").substr(0, 3), "400");
    EXPECT_EQ(ask("GET /nothing").substr(0, 3), "404");
    EXPECT_EQ(ask("DELETE /notes").substr(0, 3), "405");
    EXPECT_EQ(ask("nonsense").substr(0, 3), "400");
}

TEST_F(Notes, EndsCleanlyOnSigterm) {
    const int status = stop(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Notes, LeavesTheJournalModeAloneAndWaitsForTheWriteLock) {
    auto database = adapters::sqlite::make_database(path(), {});
    EXPECT_EQ(*database->mode(), Mode::other);
    stop(SIGTERM);
    ASSERT_TRUE(database->convert_to_wal());
    const auto attached = database->attach({});
    ASSERT_TRUE(attached) << attached.error().message;
    start();
    EXPECT_EQ(ask("POST /notes?id=1", "one"), "200 {\"id\":1}\n");
    EXPECT_EQ(*database->mode(), Mode::wal);

    ASSERT_TRUE(database->lock_writers(milliseconds{500}));
    auto write = std::async(std::launch::async, [this] { return ask("POST /notes?id=2", "two"); });
    // The write waits, while reads and the health check go on.
    EXPECT_EQ(write.wait_for(milliseconds{200}), std::future_status::timeout);
    EXPECT_EQ(ask("GET /version"), "200 notes 1\n");
    EXPECT_EQ(ask("GET /count"), "200 {\"count\":1}\n");
    database->unlock_writers();
    EXPECT_EQ(write.get(), "200 {\"id\":2}\n");
    const auto batch = database->capture(attached->position, 1U << 30U);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_FALSE(batch->empty());
}

}  // namespace
