// Commands that have somebody else run the service.
#include "config/escape.h"

#include <gtest/gtest.h>

namespace config {
namespace {

using Words = std::vector<std::string>;

TEST(Escape, FindsTheProgramThatBecomesTheService) {
    const auto program = [](const Words& command) { return service_program(command); };
    EXPECT_EQ(program({"/usr/bin/backend", "docker"}), "/usr/bin/backend");
    EXPECT_EQ(program({"env", "-i", "A=b", "nice", "-n", "5", "/usr/bin/docker"}),
              "/usr/bin/docker");
    EXPECT_EQ(program({"/usr/bin/env", "A=b"}), "");
    EXPECT_EQ(program({}), "");
    EXPECT_EQ(program({"timeout", "10", "ssh", "host"}), "ssh");
}

TEST(Escape, ReadsWhatAShellIsGiven) {
    const auto text = [](const std::string& script) {
        return service_program({"/bin/sh", "-c", script});
    };
    EXPECT_EQ(text("sudo -u x backend"), "sudo");
    EXPECT_EQ(text("exec sudo backend"), "sudo");
    EXPECT_EQ(text("A=b exec nice -n 5 /usr/bin/docker run x"), "/usr/bin/docker");
    EXPECT_EQ(text("sleep 1.5; exec /usr/bin/backend --flag"), "/usr/bin/backend");
    EXPECT_EQ(text("cd /srv && 'docker' run x"), "docker");
    EXPECT_EQ(text("(ssh host backend)"), "ssh");
    EXPECT_EQ(text("sh -c \"exec su - x\""), "su");
    EXPECT_EQ(text(""), "");
    // What is used on the way is not what becomes the service.
    EXPECT_EQ(text("docker ps > /dev/null; exec backend"), "backend");
    EXPECT_EQ(text("exec backend; docker ps"), "backend");
    EXPECT_EQ(text("echo 'sudo; docker'"), "echo");
    EXPECT_EQ(service_program({"bash", "-e", "-c", "doas backend"}), "doas");
    EXPECT_EQ(service_program({"bash", "-ec", "doas backend"}), "doas");
    // A file is not read.
    EXPECT_EQ(service_program({"bash", "/srv/start.sh", "docker"}), "bash");
    EXPECT_EQ(service_program({"bash", "-x"}), "bash");
}

TEST(Escape, SaysWhatToConfigureInstead) {
    const auto names = [](const std::string& program, const char* instead) {
        return why_it_escapes(program).find(instead) != std::string::npos;
    };
    for (const auto* const engine : {"docker", "/usr/local/bin/podman", "nerdctl", "lxc-start"})
        EXPECT_TRUE(names(engine, "use backend.kind = docker")) << engine;
    for (const auto* const manager : {"systemd-run", "systemctl", "/bin/machinectl"})
        EXPECT_TRUE(names(manager, "use backend.kind = systemd")) << manager;
    for (const auto* const other : {"sudo", "/bin/su", "doas", "runuser", "pkexec"})
        EXPECT_TRUE(names(other, "use backend.process.user")) << other;
    for (const auto* const other : {"ssh", "nsenter", "at", "tmux", "start-stop-daemon"})
        EXPECT_TRUE(names(other, "the service's own program")) << other;
    EXPECT_TRUE(names("/usr/sbin/service", "backend.kind = systemd"));
    EXPECT_EQ(why_it_escapes("/srv/ours/service"), "") << "that one is no wrapper of systemd's";
    EXPECT_EQ(why_it_escapes("/srv/ours/service", "service"), "");
    EXPECT_NE(why_it_escapes("/srv/ours/service", "docker"), "");
    for (const auto* const good : {"", "backend", "my-docker", "/opt/ssh/backend", "setsid", "sh"})
        EXPECT_EQ(why_it_escapes(good), "") << good;
}

TEST(Escape, KnowsAProgramByTheFileThatItsLinkLeadsTo) {
    EXPECT_EQ(why_it_escapes("backend", "backend-1.2"), "");
    const auto why = why_it_escapes("/usr/bin/backend", "podman");
    EXPECT_EQ(why.find("\"/usr/bin/backend\" "), 0U) << why;
}

}  // namespace
}  // namespace config
