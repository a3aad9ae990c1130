#include "model/names.h"

#include <algorithm>

namespace model {
namespace {

bool is_id_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}

}  // namespace

StoreNames store_names(std::string_view cluster_id) {
    const auto prefix = "convex-" + std::string{cluster_id};
    return {.election = prefix + "-election",
            .state = prefix + "-state",
            .spec = prefix + "-spec",
            .wal = prefix + "-wal",
            .services = prefix + "-services"};
}

StreamNames stream_names(std::string_view cluster_id) {
    const auto buckets = store_names(cluster_id);
    return {.election = "KV_" + buckets.election,
            .state = "KV_" + buckets.state,
            .log = "OBJ_" + buckets.wal};
}

std::string status_subject(std::string_view cluster_id, std::string_view node_id) {
    return node_subject(cluster_id, node_id, "status");
}

std::string node_subject(std::string_view cluster_id,
                         std::string_view node_id,
                         std::string_view verb) {
    return "convex." + std::string{cluster_id} + ".svc." + std::string{node_id} + '.' +
           std::string{verb};
}

std::string why_no_cluster_id(std::string_view id) {
    if (id.empty()) return "must not be empty";
    if (id.size() > 64) return "must have at most 64 characters";
    if (!std::all_of(id.begin(), id.end(), is_id_char)) {
        return "may have letters, digits, \"-\" and \"_\" only (no dots: it is part of the names "
               "of buckets)";
    }
    return {};
}

std::string why_no_node_id(std::string_view id) {
    if (id.empty()) return "must not be empty";
    if (id.size() > 128) return "must have at most 128 characters";
    if (!std::all_of(id.begin(), id.end(), [](char c) { return is_id_char(c) || c == '.'; })) {
        return "may have letters, digits, \"-\", \"_\" and \".\" only";
    }
    if (id.front() == '.' || id.back() == '.' || id.find("..") != std::string_view::npos) {
        return "must not begin or end with a dot, nor have two together";
    }
    return {};
}

}  // namespace model
