// What was typed after `services`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/result.h"
#include "model/service.h"
#include "model/service_export.h"

namespace cli {

struct ServicesCommand {
    enum class Verb : std::uint8_t { list, show, watch, export_ };
    enum class Output : std::uint8_t { table, json, yaml };
    Verb verb = Verb::list;
    model::ServiceFilter filter;
    Output output = Output::table;  // list, show, watch
    model::ExportFormat format = model::ExportFormat::prometheus;
    std::string file;    // export: replaced with what is exported; "": stdout
    bool watch = false;  // export: again with each change
};

struct ServicesLine {
    ServicesCommand command;
    std::vector<std::string> rest;  // `services`, and what belongs to every verb
};

/// Empty: the verb is another one. invalid: a usage error.
[[nodiscard]] model::Result<std::optional<ServicesLine>> parse_services_line(
    const std::vector<std::string>& arguments);

/// Its part of the help.
[[nodiscard]] std::string services_help();

}  // namespace cli
