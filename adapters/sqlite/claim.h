// Allows one capture per database: two in one process would each checkpoint frames that the other
// has not captured.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace adapters::sqlite {

/// Holds the claim until destroyed.
class Claim {
public:
    /// Null where this process already has a claim on that file. `file`: its canonical path.
    [[nodiscard]] static std::unique_ptr<Claim> take(const std::string& file);
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

private:
    explicit Claim(std::string file) : file_{std::move(file)} {}

    std::string file_;
};

}  // namespace adapters::sqlite
