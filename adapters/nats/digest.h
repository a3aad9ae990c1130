// The digest of an object, as ADR-20 has it in the meta.
#pragma once

#include <memory>
#include <string>

#include "model/bytes.h"
#include "reconcilers/ports/log_store.h"

namespace adapters::nats {

/// SHA-256 over pieces added in order. Copies nothing, does not block.
class Digest {
public:
    Digest();
    ~Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;

    void add(model::ByteView bytes);

    /// "SHA-256=" and base64url of the 32 bytes, padded. Add nothing after this call.
    [[nodiscard]] std::string text();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The same behind the port.
class ObjectDigest final : public reconcilers::ports::Digest {
public:
    void update(model::ByteView bytes) override { digest_.add(bytes); }
    [[nodiscard]] std::string finish() override { return digest_.text(); }

private:
    nats::Digest digest_;
};

}  // namespace adapters::nats
