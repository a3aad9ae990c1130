// Reads the fields of one JSON object; no input crashes it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "model/time.h"

namespace adapters::json {

/// Reading a field removes it, so that what is left are the unknown fields. An absent or null field
/// has its default, and so has one of another type, which is an error; the first error is kept.
class Fields {
public:
    /// path  names the object in messages
    ///
    /// corrupt  not JSON, nested more than 64 deep, or a number out of range
    [[nodiscard]] static model::Result<Fields> open(std::string_view text, std::string_view path);
    ~Fields();
    Fields(Fields&& other) noexcept;
    Fields& operator=(Fields&& other) noexcept;

    /// Whether it is there, and not null.
    [[nodiscard]] bool has(const char* name) const;
    /// It is there, and says that it is not known.
    [[nodiscard]] bool is_null(const char* name) const;

    [[nodiscard]] std::string text(const char* name);
    [[nodiscard]] std::uint64_t number(const char* name);
    [[nodiscard]] std::int64_t integer(const char* name, std::int64_t fallback = 0);
    /// From 0 to 1,000,000,000.
    [[nodiscard]] int small(const char* name, int fallback);
    [[nodiscard]] bool boolean(const char* name);
    /// A time for people: an invalid one is read as "no time" and is no error.
    [[nodiscard]] model::WallTime time(const char* name);
    [[nodiscard]] std::vector<std::string> texts(const char* name);
    [[nodiscard]] std::map<std::string, std::string> text_map(const char* name);
    /// Empty: absent or null.
    [[nodiscard]] std::optional<Fields> object(const char* name);
    [[nodiscard]] std::vector<Fields> objects(const char* name);
    /// The number that tells whether this version can read the record.
    [[nodiscard]] int schema_known();

    void fail(std::string_view name, std::string_view why);
    /// An error in a nested object is an error of the outer one.
    void include(const Fields& inner);
    [[nodiscard]] const std::optional<model::Error>& error() const { return error_; }
    /// The fields that were not read, as JSON; "": none.
    [[nodiscard]] std::string rest() const;

private:
    struct Object;  // keeps the library out of this header
    Fields(std::unique_ptr<Object> object, std::string path);
    template <typename Read>
    auto take(const char* name, std::string_view wanted, Read read);

    std::unique_ptr<Object> object_;
    std::string path_;
    std::optional<model::Error> error_;
};

}  // namespace adapters::json
