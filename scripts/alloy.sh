#!/usr/bin/env bash
# Builds a checker of Grafana Alloy's syntax from Alloy's own parser, once, as
# build/tools/alloy/check FILE... Says in one line why it could not be built, and is content: the
# tests that want it skip.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.1.0
dir=$PWD/build/tools/alloy

[ -x "$dir/check" ] && exit
if ! command -v go >/dev/null; then
    echo "The checker of Alloy's syntax is not built, its tests are skipped: there is no Go toolchain."
    exit
fi
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cat >"$source/main.go" <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/grafana/alloy/syntax/parser"
)

func main() {
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err == nil {
			_, err = parser.ParseFile(name, text)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
GO
printf 'module check\n\ngo 1.21\n' >"$source/go.mod"
mkdir -p "$dir"
# The toolchain that is here, or none: it would download another one by itself.
if ! (cd "$source" && export GOTOOLCHAIN=local GOFLAGS=-mod=mod &&
    timeout 300 go get "github.com/grafana/alloy/syntax@v$version" &&
    timeout 300 go build -o "$dir/check" .) </dev/null >"$source/log" 2>&1; then
    echo "The checker of Alloy's syntax is not built, its tests are skipped:" \
        "$(grep -v '^go: ' "$source/log" | head -n 1 | cut -c 1-200)"
fi
