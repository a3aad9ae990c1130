#!/usr/bin/env bash
# Builds the versions of Litestream that our tests and figures use, once, as DIR/VERSION/litestream.
# Says in one line what it could not build and why, and is content: the tests that want it skip.
#
#   scripts/litestream.sh [VERSION ...]    default: 0.5.5 (reads pages as LZ4 frames alone) and
#                                          0.5.18 (the newest that we know)
#
# LITESTREAM_DIR: DIR; default: build/tools/litestream.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${LITESTREAM_DIR:-$PWD/build/tools/litestream}
[ $# -gt 0 ] || set -- 0.5.5 0.5.18

for version in "$@"; do
    [ -x "$dir/$version/litestream" ] && continue
    if ! command -v go >/dev/null; then
        echo "Litestream $version is not built, its tests are skipped: there is no Go toolchain."
        continue
    fi
    echo "Building Litestream $version, once (some two minutes)."
    mkdir -p "$dir"
    into=$(mktemp -d "$dir/.building-XXXXXX")
    # The toolchain that is here, or none: it would download another one by itself.
    if GOTOOLCHAIN=local GOFLAGS=-mod=mod GOBIN=$into timeout 900 \
        go install "github.com/benbjohnson/litestream/cmd/litestream@v$version" \
        </dev/null 2>"$into/log"; then
        mkdir -p "$dir/$version"
        mv "$into/litestream" "$dir/$version/litestream"
    else
        echo "Litestream $version is not built, its tests are skipped:" \
            "$(grep -v '^go: downloading' "$into/log" | head -n 1 | cut -c 1-200)"
    fi
    rm -rf "$into"
done
