#!/usr/bin/env bash
# Builds the versions of Litestream for tests and benchmarks, once, as DIR/VERSION/litestream. Where
# it cannot, it prints one line with the reason and succeeds: tests that need Litestream are
# skipped.
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
    # Use the installed toolchain only: Go would otherwise download another one.
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
