// The checks of a configuration that need the disk: its own file, and the files that it names.
#pragma once

#include <string>

#include "config/config.h"
#include "model/result.h"

namespace adapters::linux_host {

/// The text of the file at `path`.
///
/// not_found  there is no such file
/// invalid    not a regular file, larger than 4 MiB, or not readable
[[nodiscard]] model::Result<std::string> read_config(const std::string& path);

/// Adds to a built configuration what only the disk can tell, for keys without an error so far.
/// Errors: a directory in place of a file or the reverse, a symbolic link, two paths to one file, a
/// replica in another file system than the database, a file system that stores nothing, a login
/// file that cannot be read. Warnings: a secret that others can read.
void check_disk(config::Outcome& outcome);

}  // namespace adapters::linux_host
