#include "adapters/nats/link.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "adapters/nats/servers.h"

namespace adapters::nats {
namespace {

constexpr std::int64_t reconnect_wait_ms = 250;
constexpr std::int64_t reconnect_jitter_ms = 100;
// A frozen server is detected after two unanswered pings.
constexpr std::int64_t ping_interval_ms = 1000;
constexpr int pings_unanswered = 2;

struct OptionsDeleter {
    void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using OptionsHandle = std::unique_ptr<natsOptions, OptionsDeleter>;

struct MessageDeleter {
    void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using MessageHandle = std::unique_ptr<natsMsg, MessageDeleter>;

struct StatisticsDeleter {
    void operator()(natsStatistics* statistics) const { natsStatistics_Destroy(statistics); }
};
using StatisticsHandle = std::unique_ptr<natsStatistics, StatisticsDeleter>;

std::string text_of(natsStatus status) {
    std::string text = natsStatus_GetText(status);
    if (const char* detail = nats_GetLastError(nullptr); detail && *detail)
        text += std::string{": "} + detail;
    return text;
}

/// Applies settings, and stops at the first that fails.
class Applied {
public:
    template <typename Set, typename... Args>
    Applied& operator()(Set set, Args... args) {
        if (status_ == NATS_OK) status_ = set(args...);
        return *this;
    }
    [[nodiscard]] natsStatus status() const { return status_; }

private:
    natsStatus status_ = NATS_OK;
};

natsStatus apply_login(natsOptions* raw, const ConnectionOptions& options, const Servers& servers) {
    if (!options.credentials.empty()) {
        return natsOptions_SetUserCredentialsFromFiles(raw, options.credentials.c_str(), nullptr);
    }
    if (!options.nkey_seed_file.empty()) {
        return natsOptions_SetNKeyFromSeed(
            raw, options.nkey.c_str(), options.nkey_seed_file.c_str());
    }
    if (!servers.token.empty()) return natsOptions_SetToken(raw, servers.token.c_str());
    if (!servers.user.empty()) {
        return natsOptions_SetUserInfo(raw, servers.user.c_str(), servers.password.c_str());
    }
    return NATS_OK;
}

natsStatus apply_tls(natsOptions* raw, const ConnectionOptions& options, const Servers& servers) {
    const auto& tls = options.tls;
    if (!servers.tls && tls.ca.empty() && tls.cert.empty()) return NATS_OK;
    Applied apply;
    apply(natsOptions_SetSecure, raw, true);
    if (!tls.ca.empty()) apply(natsOptions_LoadCATrustedCertificates, raw, tls.ca.c_str());
    if (!tls.cert.empty()) {
        apply(natsOptions_LoadCertificatesChain, raw, tls.cert.c_str(), tls.key.c_str());
    }
    return apply.status();
}

natsStatus apply_all(natsOptions* raw,
                     const ConnectionOptions& options,
                     const Servers& servers,
                     bool in_order,
                     const Link::Callbacks& callbacks) {
    std::vector<const char*> urls;
    for (const auto& url : servers.urls)
        urls.push_back(url.c_str());
    const auto timeout = model::to_ms(options.timeout);
    Applied apply;
    apply(natsOptions_SetServers, raw, urls.data(), static_cast<int>(urls.size()))(
        natsOptions_SetNoRandomize, raw, in_order)(natsOptions_SetName, raw, options.name.c_str())(
        natsOptions_SetTimeout, raw, timeout)(natsOptions_SetWriteDeadline, raw, timeout)(
        natsOptions_SetMaxReconnect, raw, -1)(natsOptions_SetReconnectWait, raw, reconnect_wait_ms)(
        natsOptions_SetReconnectJitter, raw, reconnect_jitter_ms, reconnect_jitter_ms)
        // A message that cannot be sent now is refused, not buffered and sent late.
        (natsOptions_SetReconnectBufSize, raw, 0)(
            natsOptions_SetPingInterval, raw, ping_interval_ms)(
            natsOptions_SetMaxPingsOut, raw, pings_unanswered)
        // Without it, each message may wait up to a millisecond for the flusher.
        (natsOptions_SetSendAsap, raw, true)(
            natsOptions_UseGlobalMessageDelivery, raw, options.pooled_delivery)(
            natsOptions_SetDisconnectedCB, raw, callbacks.disconnected, callbacks.closure)(
            natsOptions_SetReconnectedCB, raw, callbacks.reconnected, callbacks.closure)(
            natsOptions_SetClosedCB, raw, callbacks.closed, callbacks.closure)(
            natsOptions_SetErrorHandler, raw, callbacks.failed, callbacks.closure)(
            apply_login, raw, std::cref(options), std::cref(servers))(
            apply_tls, raw, std::cref(options), std::cref(servers));
    return apply.status();
}

}  // namespace

bool takes_logins_as_they_stand() {
    constexpr std::uint32_t version_3_9 = 3U << 16U | 9U << 8U;
    return nats_GetVersionNumber() < version_3_9;
}

model::Result<std::shared_ptr<Link>> Link::connect(const ConnectionOptions& options,
                                                   bool in_order,
                                                   const Callbacks& callbacks,
                                                   std::uint64_t first_generation) {
    const auto servers = choose_servers(options, takes_logins_as_they_stand());
    if (!servers) return servers.error();
    natsOptions* raw = nullptr;
    if (const auto status = natsOptions_Create(&raw); status != NATS_OK)
        return model::error(model::Errc::unavailable, text_of(status));
    const OptionsHandle owned{raw};
    if (const auto status = apply_all(raw, options, *servers, in_order, callbacks);
        status != NATS_OK)
        return model::error(model::Errc::unavailable, text_of(status));
    natsConnection* connection = nullptr;
    if (const auto status = natsConnection_Connect(&connection, raw); status != NATS_OK) {
        // A refused login is not distinguished from an absent server, because nats.c 3.4.1 fails
        // one in 256 valid logins.
        return model::error(model::Errc::unavailable, text_of(status));
    }
    return std::make_shared<Link>(connection, first_generation);
}

Link::~Link() {
    natsConnection_Close(connection_);
    for (auto* subscription : subscriptions_)
        natsSubscription_Destroy(subscription);
    natsConnection_Destroy(connection_);
}

std::uint64_t Link::connection_generation() const {
    natsStatistics* raw = nullptr;
    model::check(natsStatistics_Create(&raw) == NATS_OK, "no memory for statistics");
    const StatisticsHandle statistics{raw};  // nats.c copies its own statistics into it
    std::uint64_t reconnects = 0;
    if (natsConnection_GetStats(connection_, raw) == NATS_OK)
        natsStatistics_GetCounts(raw, nullptr, nullptr, nullptr, nullptr, &reconnects);
    return first_generation_ + reconnects;
}

std::string Link::server() const {
    std::array<char, 256> buffer{};
    if (natsConnection_GetConnectedUrl(connection_, buffer.data(), buffer.size()) != NATS_OK)
        return {};
    return server_name(buffer.data());
}

std::string Link::last_error() const {
    // A buffer of 256 bytes inside the connection, always terminated by 0, which nats.c's threads
    // may be writing: at worst the text is a mixture of two.
    constexpr std::size_t longest = 255;
    const char* text = nullptr;
    const auto status = natsConnection_GetLastError(connection_, &text);
    if (text && *text) return {text, ::strnlen(text, longest)};
    return status == NATS_OK ? std::string{} : natsStatus_GetText(status);
}

model::Result<void> Link::publish(const Outgoing& message, const std::string& reply) {
    natsMsg* raw = nullptr;
    auto status = natsMsg_Create(&raw,
                                 message.subject.c_str(),
                                 reply.empty() ? nullptr : reply.c_str(),
                                 reinterpret_cast<const char*>(message.payload.data()),
                                 static_cast<int>(message.payload.size()));
    const MessageHandle owned{raw};
    for (const auto& [key, value] : message.headers) {
        if (status == NATS_OK) status = natsMsgHeader_Add(raw, key.c_str(), value.c_str());
    }
    if (status != NATS_OK) return model::error(model::Errc::unavailable, text_of(status));
    switch (status = natsConnection_PublishMsg(connection_, raw)) {
        case NATS_OK:
            return {};
        case NATS_MAX_PAYLOAD:
        case NATS_INVALID_SUBJECT:
            return model::error(model::Errc::invalid, text_of(status));
        // These are checked before anything is sent. NATS_CONNECTION_CLOSED is not among them: it
        // may come from a write, too.
        case NATS_INSUFFICIENT_BUFFER:
            return model::error(model::Errc::unavailable, "not connected");
        default:
            return model::error(model::Errc::unknown_outcome, text_of(status));
    }
}

natsSubscription* Link::subscribe(const std::string& subject,
                                  natsMsgHandler handler,
                                  void* closure) {
    natsSubscription* subscription = nullptr;
    if (natsConnection_Subscribe(&subscription, connection_, subject.c_str(), handler, closure) !=
        NATS_OK) {
        return nullptr;
    }
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    const sync::Lock lock{mutex_};
    subscriptions_.push_back(subscription);
    return subscription;
}

Incoming to_incoming(natsMsg* message) {
    Incoming incoming;
    incoming.subject = natsMsg_GetSubject(message);
    if (const char* reply = natsMsg_GetReply(message)) incoming.reply = reply;
    const char** keys = nullptr;
    int count = 0;
    if (natsMsgHeader_Keys(message, &keys, &count) == NATS_OK) {
        for (int i = 0; i < count; ++i) {
            const char* value = nullptr;
            if (natsMsgHeader_Get(message, keys[i], &value) == NATS_OK)
                incoming.headers.emplace_back(keys[i], value ? value : "");
        }
        std::free(keys);
    }
    const auto* data = reinterpret_cast<const std::byte*>(natsMsg_GetData(message));
    if (data) incoming.payload.assign(data, data + natsMsg_GetDataLength(message));
    return incoming;
}

}  // namespace adapters::nats
