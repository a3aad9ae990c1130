#include "adapters/nats/connection.h"

#include <unistd.h>

#include <utility>

#include "adapters/nats/connection_core.h"
#include "adapters/nats/link.h"
#include "adapters/nats/servers.h"

namespace adapters::nats {

using model::Errc;
using model::Result;

std::string_view Incoming::header(std::string_view key) const {
    for (const auto& [name, value] : headers) {
        if (name == key) return value;
    }
    return {};
}

Connection::Subscription::Subscription(std::shared_ptr<Entry> entry) : entry_{std::move(entry)} {}
Connection::Subscription::~Subscription() { entry_->close(); }

Connection::Registration::Registration(std::shared_ptr<Entry> entry) : entry_{std::move(entry)} {}
Connection::Registration::~Registration() { entry_->close(); }

Result<std::shared_ptr<Connection>> Connection::open(
    ConnectionOptions options, std::function<void(const ConnectionEvent&)> on_event, Admit admit) {
    if (options.servers.empty()) return model::error(Errc::invalid, "nats: no server is named");
    const auto logins = !options.credentials.empty() + !options.user.empty() +
                        !options.token.empty() + !options.nkey_seed_file.empty();
    if (logins > 1) return model::error(Errc::invalid, "nats: more than one kind of login");
    if (auto servers = choose_servers(options, takes_logins_as_they_stand()); !servers)
        return std::move(servers).error();
    if (options.tls.cert.empty() != options.tls.key.empty())
        return model::error(Errc::invalid, "nats: tls.cert and tls.key come together");
    for (const auto* path : {&options.credentials,
                             &options.nkey_seed_file,
                             &options.tls.ca,
                             &options.tls.cert,
                             &options.tls.key}) {
        if (!path->empty() && ::access(path->c_str(), R_OK) != 0)
            return model::error(Errc::invalid, "nats: " + *path + " cannot be read");
    }
    const auto core =
        std::make_shared<Core>(std::move(options), std::move(on_event), std::move(admit));
    core->start();
    return std::make_shared<Connection>(core);
}

Connection::Connection(std::shared_ptr<Core> core) : core_{std::move(core)} {}
Connection::~Connection() { core_->stop(); }

bool Connection::connected() const { return core_->connected(); }
std::uint64_t Connection::connection_generation() const { return core_->connection_generation(); }
model::Duration Connection::timeout() const { return core_->options().timeout; }
std::string Connection::last_reason() const { return core_->last_reason(); }
std::string Connection::server() const { return core_->server(); }
void Connection::ask_again(bool anew) { core_->ask_again(anew); }

Deadline Connection::deadline() const {
    return std::chrono::steady_clock::now() + core_->options().timeout;
}

Result<Incoming> Connection::request(const Outgoing& message, Deadline until) {
    return std::move(exchange({&message, 1}, until).front());
}

std::vector<Result<Incoming>> Connection::exchange(std::span<const Outgoing> messages,
                                                   Deadline until) {
    return core_->exchange(messages, until);
}

Result<void> Connection::publish(const Outgoing& message) { return core_->publish(message); }

std::unique_ptr<Connection::Subscription> Connection::subscribe(
    std::string subject, std::function<void(const Incoming&)> handler) {
    auto entry = Subscription::Entry::create(std::move(subject), std::move(handler));
    core_->add(entry);
    return std::make_unique<Subscription>(std::move(entry));
}

std::string Connection::new_inbox() const { return "_INBOX." + random_id(); }

std::unique_ptr<Connection::Registration> Connection::on_change(std::function<void()> changed) {
    auto entry = std::make_shared<Registration::Entry>(Registration::Entry::Kind::change,
                                                       std::move(changed));
    core_->add(entry);
    return std::make_unique<Registration>(std::move(entry));
}

std::unique_ptr<Connection::Registration> Connection::every_tick(std::function<void()> tick) {
    auto entry =
        std::make_shared<Registration::Entry>(Registration::Entry::Kind::tick, std::move(tick));
    core_->add(entry);
    return std::make_unique<Registration>(std::move(entry));
}

}  // namespace adapters::nats
