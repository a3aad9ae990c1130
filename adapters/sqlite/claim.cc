#include "adapters/sqlite/claim.h"

#include <mutex>
#include <set>

namespace adapters::sqlite {
namespace {

struct Claimed {
    std::mutex mutex;
    std::set<std::string> files;
};

Claimed& claimed() {
    static Claimed all;
    return all;
}

}  // namespace

std::unique_ptr<Claim> Claim::take(const std::string& file) {
    auto& all = claimed();
    const std::lock_guard lock{all.mutex};
    if (!all.files.insert(file).second) return nullptr;
    return std::unique_ptr<Claim>{new Claim{file}};
}

Claim::~Claim() {
    auto& all = claimed();
    const std::lock_guard lock{all.mutex};
    all.files.erase(file_);
}

}  // namespace adapters::sqlite
