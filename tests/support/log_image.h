// What the store acknowledged, put together from its log by nobody but the test: the measure of
// what a new primary must have.
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
    /// Reads the whole log of a cluster. Throws where that does not work.
    LogImage(const std::string& url, const std::string& cluster);

    /// The last transaction in it.
    [[nodiscard]] model::Txid last() const;
    /// Where the tenure of this epoch began; throws where no opened names the epoch.
    [[nodiscard]] model::Txid start_of(std::uint64_t epoch) const;
    /// Writes the database as it was after `txid`.
    void write(model::Txid txid, const std::string& database) const;

private:
    std::map<model::Txid, std::string> level0_;     // by TXID, the file's bytes
    std::map<model::Txid, std::string> snapshots_;  // by their last TXID
    std::map<std::uint64_t, model::Txid> starts_;   // epoch -> start
};

}  // namespace test_support
