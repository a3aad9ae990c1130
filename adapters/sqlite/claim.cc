#include "adapters/sqlite/claim.h"

#include <set>

#include "adapters/sync/mutex.h"

namespace adapters::sqlite {
namespace {

struct Claimed {
    sync::Mutex mutex;
    std::set<std::string> files GUARDED_BY(mutex);
};

Claimed& claimed() {
    static Claimed all;
    return all;
}

}  // namespace

std::unique_ptr<Claim> Claim::take(const std::string& file) {
    auto& all = claimed();
    const sync::Lock lock{all.mutex};
    if (!all.files.insert(file).second) return nullptr;
    return std::unique_ptr<Claim>{new Claim{file}};
}

Claim::~Claim() {
    auto& all = claimed();
    const sync::Lock lock{all.mutex};
    all.files.erase(file_);
}

}  // namespace adapters::sqlite
