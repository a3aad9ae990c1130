// The acknowledged data, reconstructed from the log by test code only: what a new primary must
// have.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "model/ids.h"
#include "model/object.h"

namespace test_support {

class LogImage {
public:
    /// Reads the whole log of a cluster. Throws on failure.
    LogImage(const std::string& url, const std::string& cluster);

    /// The last TXID in it.
    [[nodiscard]] model::Txid last() const;
    /// The start of this epoch's tenure; throws where no opened record names the epoch.
    [[nodiscard]] model::Txid start_of(std::uint64_t epoch) const;
    /// Writes the database as of `txid` to a file.
    void write(model::Txid txid, const std::string& database) const;

private:
    std::map<model::Txid, std::string> level0_;     // file contents by TXID
    std::map<model::Txid, std::string> snapshots_;  // by their last TXID
    std::map<std::uint64_t, model::Txid> starts_;   // epoch -> start
};

}  // namespace test_support
