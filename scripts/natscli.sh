#!/usr/bin/env bash
# Builds the command `nats` that our tests use, once, as build/tools/natscli/nats. Says in one line
# why it could not be built, and is content: the tests that want it skip.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.1.6
dir=$PWD/build/tools/natscli

[ -x "$dir/nats" ] && exit
if ! command -v go >/dev/null; then
    echo "The command nats is not built, its tests are skipped: there is no Go toolchain."
    exit
fi
echo "Building the command nats $version, once (some three minutes)."
mkdir -p "$dir"
log=$(mktemp)
# The toolchain that is here, or none: it would download another one by itself.
if ! GOTOOLCHAIN=local GOFLAGS=-mod=mod GOBIN=$dir timeout 900 \
    go install "github.com/nats-io/natscli/nats@v$version" </dev/null 2>"$log"; then
    echo "The command nats is not built, its tests are skipped:" \
        "$(grep -v '^go: downloading' "$log" | head -n 1 | cut -c 1-200)"
fi
rm -f "$log"
