// One capture for one database: two in this process would each checkpoint, and ship, what the other
// has not seen.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace adapters::sqlite {

/// Held for as long as it lives.
class Claim {
public:
    /// Null where this process holds one on that file already. `file`: its canonical path.
    [[nodiscard]] static std::unique_ptr<Claim> take(const std::string& file);
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

private:
    explicit Claim(std::string file) : file_{std::move(file)} {}

    std::string file_;
};

}  // namespace adapters::sqlite
