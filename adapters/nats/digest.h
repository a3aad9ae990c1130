// The digest of an object, as ADR-20 writes it into the meta.
#pragma once

#include <memory>
#include <string>

#include "model/bytes.h"

namespace adapters::nats {

/// SHA-256 over pieces added one after the other. Copies nothing, blocks on nothing.
class Digest {
public:
    Digest();
    ~Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;

    void add(model::ByteView bytes);

    /// "SHA-256=" and base64url of the 32 bytes, padded. Ends this digest: add nothing after it.
    [[nodiscard]] std::string text();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The digest of one piece.
[[nodiscard]] std::string digest_of(model::ByteView bytes);

}  // namespace adapters::nats
