#include "model/exit_status.h"

#include <cstring>

namespace model {
namespace {

// The low seven bits: the signal that ended the process; 0: it exited; 0x7f: it is stopped, not
// ended.
constexpr std::int32_t signal_bits = 0x7f;

}  // namespace

std::string exit_text(std::int32_t wait_status) {
    const std::int32_t number = wait_status & signal_bits;
    if (number == 0) return "exit " + std::to_string((wait_status >> 8) & 0xff);
    if (number == signal_bits) return "status " + std::to_string(wait_status);
    const char* const name = ::sigabbrev_np(number);
    return "signal " + std::to_string(number) +
           (name == nullptr ? std::string{} : " (" + std::string{name} + ")");
}

}  // namespace model
