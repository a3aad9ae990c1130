// The warden's state file: only exactly what the warden writes is accepted.
#include "tests/fuzz/fuzz.h"
#include "warden/state_file.h"

namespace {

using fuzz::require;

void check_text(std::string_view text) {
    const auto saved = warden::parse_saved(text);
    if (!saved) {
        fuzz::require_refusal(saved.error(), model::Errc::corrupt);
        return;
    }
    require(warden::to_text(*saved) == text, "exactly what to_text made is taken");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    check_text(text);
    const std::string body{fuzz::before_seal(text, "sum ")};
    check_text(body + "sum " + fuzz::seal_of(body) + "\n");
    return 0;
}
