#include "adapters/nats/digest.h"

#include <openssl/evp.h>

#include <array>

#include "adapters/nats/base64.h"
#include "model/result.h"

namespace adapters::nats {

struct Digest::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest() : state_{std::make_unique<State>()} {
    // SHA-256 is built into libcrypto: this fails only when memory is exhausted.
    model::check(state_->context && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1,
                 "SHA-256 could not be started");
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(model::ByteView bytes) {
    model::check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
                 "SHA-256 could not go on");
}

std::string Digest::text() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned int size = 0;
    model::check(EVP_DigestFinal_ex(state_->context, raw.data(), &size) == 1 && size == 32,
                 "SHA-256 could not be ended");
    return "SHA-256=" + to_base64url(std::as_bytes(std::span{raw.data(), size}));
}

}  // namespace adapters::nats
