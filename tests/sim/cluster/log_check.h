// Reads the log independently of the code under test, by the rules only: checks I3, and computes
// what every later primary must have (I4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "model/bytes.h"
#include "model/ids.h"
#include "model/object.h"
#include "tests/sim/cluster/ledger.h"
#include "tests/sim/store/sim_server.h"

namespace sim {

class LogCheck {
public:
    LogCheck(SimServer& server, std::string stream)
        : server_{&server}, stream_{std::move(stream)} {}

    /// Reads new messages. Returns which rule they violate; "" none.
    [[nodiscard]] std::string check();
    /// The store lost messages: start again with what it has now.
    void begin_anew();

    /// The database at the end of the log; empty before the first image.
    [[nodiscard]] const std::optional<Rows>& rows() const { return rows_; }
    [[nodiscard]] model::Txid visible() const { return visible_; }
    [[nodiscard]] bool has_data() const { return last_.value != 0 || base_; }
    [[nodiscard]] const std::map<std::uint32_t, model::Bytes>& pages() const { return pages_; }

private:
    [[nodiscard]] std::string read(std::uint64_t sequence, const model::ObjectMeta& meta);
    [[nodiscard]] std::string read_ltx(const model::ObjectMeta& meta,
                                       const model::LtxObject& object);
    [[nodiscard]] std::string take_pages(const model::ObjectMeta& meta,
                                         const model::LtxObject& object);

    SimServer* server_;
    std::string stream_;
    std::uint64_t read_to_ = 0;

    model::Epoch marker_;
    model::Txid last_;
    std::string last_nuid_;
    model::Txid visible_;

    bool base_ = false;  // the pages are a complete database
    std::map<std::uint32_t, model::Bytes> pages_;
    std::map<std::uint64_t, std::size_t> hashes_;  // of the whole database, by TXID
    std::optional<Rows> rows_;
    /// Files after the first image, which is not there yet; in order.
    std::vector<std::pair<model::Txid, model::Bytes>> waiting_;
};

}  // namespace sim
