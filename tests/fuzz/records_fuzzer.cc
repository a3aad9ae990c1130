// Lease, status, spec and service records of the buckets.
#include "adapters/json/records.h"
#include "tests/fuzz/fuzz.h"

namespace {

using adapters::json::encode;
using fuzz::require;

template <typename Record, typename Decode>
void check_record(const model::Result<Record>& record, std::size_t size, Decode decode) {
    if (!record) {
        fuzz::require_refusal(record.error(), model::Errc::corrupt);
        require(record.error().message.find("the.key") != std::string::npos,
                "a refusal names the key",
                record.error().message);
        return;
    }
    const auto text = encode(*record);
    // A condition of 17 bytes is written with all its fields, and a control character takes six
    // bytes.
    require(text.size() <= 16 * size + 2048, "a record is no larger than what it was read from");
    const auto again = decode(text);
    require(again.has_value(), "a record can be read again", text);
    require(*again == *record, "a record is read as it is written", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace json = adapters::json;
    const auto text = fuzz::text_of(data, size);
    const auto lease = json::decode_lease(text, "the.key");
    // The bare name of a leader is read but never written.
    if (!lease || !lease->nonce.empty()) {
        check_record(
            lease, size, [](const std::string& again) { return json::decode_lease(again); });
    }
    check_record(json::decode_status(text, "the.key"), size, [](const std::string& again) {
        return json::decode_status(again, "again");
    });
    if (const auto page = json::decode_status_page(text); !page) {
        fuzz::require_refusal(page.error(), model::Errc::corrupt);
    }
    check_record(json::decode_spec(text, "the.key"), size, [](const std::string& again) {
        return json::decode_spec(again);
    });
    const auto service = json::decode_service(text, "svc/n1");
    if (service) {
        const auto again = json::decode_service(encode(*service), "svc/n1");
        require(again.has_value(), "a service can be read again", text);
        require(*again == *service, "a service is read as it is written", text);
    } else {
        fuzz::require_refusal(service.error(), model::Errc::corrupt);
    }
    return 0;
}
