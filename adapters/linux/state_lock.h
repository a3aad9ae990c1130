// The lock of a state directory, for commands that may write there only while no daemon runs. The
// daemon's side, which writes who holds it: warden/lock.
#pragma once

#include <string>
#include <utility>

#include "adapters/linux/descriptor.h"
#include "model/result.h"

namespace adapters::linux_host {

/// Holds `<directory>/lock` exclusively until destroyed; a daemon's warden holds the same lock. The
/// file's contents, about its last holder, stay unchanged.
class StateLock {
public:
    /// Does not block. The directory must exist.
    ///
    /// conflict  another process holds it; the message names its pid where the file has one
    /// invalid   the file cannot be opened
    [[nodiscard]] static model::Result<StateLock> take(const std::string& directory);

private:
    explicit StateLock(Descriptor file) : file_{std::move(file)} {}
    Descriptor file_;
};

}  // namespace adapters::linux_host
