// Reads the log as an outsider who knows the rules and not the code: I3, and what every later
// primary must have (I4).
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

    /// Reads what is new. Returns how it breaks the rules; "" it does not.
    [[nodiscard]] std::string look();
    /// The store lost something: what it has now is all there is.
    void begin_anew();

    /// The database at the end of the log; empty until the first image is there.
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

    bool base_ = false;  // the pages are a whole database
    std::map<std::uint32_t, model::Bytes> pages_;
    std::map<std::uint64_t, std::size_t> hashes_;  // of the whole, by TXID
    std::optional<Rows> rows_;
    /// Before the first image: the files that follow it, in order.
    std::vector<std::pair<model::Txid, model::Bytes>> waiting_;
};

}  // namespace sim
