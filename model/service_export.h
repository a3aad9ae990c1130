// The registry in the words of other programs. Pure: entries in, text out; the same entries make
// the same text. Internal services are left out of all but `json`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/service.h"

namespace model {

enum class ExportFormat : std::uint8_t {
    prometheus,  // file_sd; http_sd is the same text
    http_sd,
    syslog,    // Promtail: a listener for each service of the protocol syslog
    promtail,  // file_sd with __path__, of the services whose metadata has log_path
    alloy,     // both of these in Alloy's language
    consul,    // a list of bodies for PUT /v1/catalog/register
    json,      // the entries as they are in the bucket
};
/// "prometheus", "http-sd", ...
[[nodiscard]] std::optional<ExportFormat> parse_export_format(std::string_view text);

/// With its last newline. Entries in their order.
[[nodiscard]] std::string export_services(ExportFormat format,
                                          std::string_view cluster_id,
                                          const std::vector<ServiceEntry>& entries);

/// The entries as the CLI and the API show them: a list of objects with the published names.
[[nodiscard]] std::string services_json(const std::vector<ServiceEntry>& entries);
[[nodiscard]] std::string services_yaml(const std::vector<ServiceEntry>& entries);

}  // namespace model
