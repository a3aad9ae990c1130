#include "adapters/nats/link.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace adapters::nats {
namespace {

constexpr std::int64_t reconnect_wait_ms = 250;
constexpr std::int64_t reconnect_jitter_ms = 100;
// A frozen server is noticed after two unanswered pings.
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

std::string text_of(natsStatus status) {
    std::string text = natsStatus_GetText(status);
    if (const char* detail = nats_GetLastError(nullptr); detail && *detail)
        text += std::string{": "} + detail;
    return text;
}

bool wants_tls(const ConnectionOptions& options) {
    const auto& tls = options.tls;
    return !tls.ca.empty() || !tls.cert.empty() || !tls.key.empty() ||
           std::any_of(options.servers.begin(), options.servers.end(), [](const auto& url) {
               return url.starts_with("tls://");
           });
}

/// Applies settings until one fails.
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

natsStatus apply_login(natsOptions* raw, const ConnectionOptions& options) {
    if (!options.credentials.empty()) {
        return natsOptions_SetUserCredentialsFromFiles(raw, options.credentials.c_str(), nullptr);
    }
    if (!options.nkey_seed_file.empty()) {
        return natsOptions_SetNKeyFromSeed(
            raw, options.nkey.c_str(), options.nkey_seed_file.c_str());
    }
    if (!options.token.empty()) return natsOptions_SetToken(raw, options.token.c_str());
    if (!options.user.empty()) {
        return natsOptions_SetUserInfo(raw, options.user.c_str(), options.password.c_str());
    }
    return NATS_OK;
}

natsStatus apply_tls(natsOptions* raw, const ConnectionOptions& options) {
    if (!wants_tls(options)) return NATS_OK;
    const auto& tls = options.tls;
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
                     const Link::Callbacks& callbacks) {
    std::vector<const char*> servers;
    for (const auto& url : options.servers)
        servers.push_back(url.c_str());
    const auto timeout = model::to_ms(options.timeout);
    Applied apply;
    apply(natsOptions_SetServers, raw, servers.data(), static_cast<int>(servers.size()))(
        natsOptions_SetName, raw, options.name.c_str())(natsOptions_SetTimeout, raw, timeout)(
        natsOptions_SetWriteDeadline, raw, timeout)(natsOptions_SetMaxReconnect, raw, -1)(
        natsOptions_SetReconnectWait, raw, reconnect_wait_ms)(
        natsOptions_SetReconnectJitter, raw, reconnect_jitter_ms, reconnect_jitter_ms)
        // What cannot be sent now is refused, not kept and sent late.
        (natsOptions_SetReconnectBufSize, raw, 0)(
            natsOptions_SetPingInterval, raw, ping_interval_ms)(
            natsOptions_SetMaxPingsOut, raw, pings_unanswered)
        // Otherwise each message waits up to a millisecond for the flusher.
        (natsOptions_SetSendAsap, raw, true)(
            natsOptions_UseGlobalMessageDelivery, raw, options.pooled_delivery)(
            natsOptions_SetDisconnectedCB, raw, callbacks.disconnected, callbacks.closure)(
            natsOptions_SetReconnectedCB, raw, callbacks.reconnected, callbacks.closure)(
            natsOptions_SetClosedCB, raw, callbacks.closed, callbacks.closure)(
            natsOptions_SetErrorHandler, raw, callbacks.failed, callbacks.closure)(
            apply_login, raw, std::cref(options))(apply_tls, raw, std::cref(options));
    return apply.status();
}

}  // namespace

model::Result<std::shared_ptr<Link>> Link::connect(const ConnectionOptions& options,
                                                   const Callbacks& callbacks,
                                                   std::uint64_t first_session) {
    natsOptions* raw = nullptr;
    if (const auto status = natsOptions_Create(&raw); status != NATS_OK)
        return model::error(model::Errc::unavailable, text_of(status));
    const OptionsHandle owned{raw};
    if (const auto status = apply_all(raw, options, callbacks); status != NATS_OK)
        return model::error(model::Errc::unavailable, text_of(status));
    natsConnection* connection = nullptr;
    if (const auto status = natsConnection_Connect(&connection, raw); status != NATS_OK) {
        // Refused logins are not told apart from an absent server: nats.c 3.4.1 fails a good login
        // once in 256 times.
        return model::error(model::Errc::unavailable, text_of(status));
    }
    return std::make_shared<Link>(connection, first_session);
}

Link::Link(natsConnection* connection, std::uint64_t first_session)
    : connection_{connection}, first_session_{first_session} {
    model::check(natsStatistics_Create(&statistics_) == NATS_OK, "no memory for statistics");
}

Link::~Link() {
    natsConnection_Close(connection_);
    for (auto* subscription : subscriptions_)
        natsSubscription_Destroy(subscription);
    natsConnection_Destroy(connection_);
    natsStatistics_Destroy(statistics_);
}

std::uint64_t Link::session() const {
    const std::lock_guard lock{statistics_mutex_};
    std::uint64_t reconnects = 0;
    if (natsConnection_GetStats(connection_, statistics_) == NATS_OK)
        natsStatistics_GetCounts(statistics_, nullptr, nullptr, nullptr, nullptr, &reconnects);
    return first_session_ + reconnects;
}

std::string Link::server() const {
    std::array<char, 256> buffer{};
    if (natsConnection_GetConnectedUrl(connection_, buffer.data(), buffer.size()) != NATS_OK)
        return {};
    std::string url = buffer.data();
    const auto login = url.find("://");
    const auto at = url.find('@');
    if (login != std::string::npos && at != std::string::npos) url.erase(login + 3, at - login - 2);
    return url;
}

std::string Link::last_error() const {
    // A buffer inside the connection, of 256 bytes, the last always 0, which its threads may be
    // writing now: at worst the text is a mixture of two.
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
        // Checked before anything goes out. NATS_CONNECTION_CLOSED may come from a write too.
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
    const std::lock_guard lock{subscriptions_mutex_};
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
