#!/usr/bin/env bash
# Runs clang-tidy over the files named on stdin, one per line, with the build in build/dev. Fails on
# findings.
#
#   scripts/lint.sh JOBS [SECONDS]    starts no file after SECONDS, and prints how many were left out
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$1
export LINT_UNTIL=$((${2:-86400} + $(date +%s)))
LINT_LEFT=$(mktemp)
export LINT_LEFT
trap 'rm -f "$LINT_LEFT"' EXIT

lint() {
    if [ "$(date +%s)" -ge "$LINT_UNTIL" ]; then
        echo "$1" >>"$LINT_LEFT"
    else
        clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>&1 |
            sed '/^[0-9]* warnings\? generated\.$/d; /^[0-9]* warnings\? and [0-9]* errors\? generated\.$/d'
    fi
}
export -f lint

mapfile -t files
status=0
printf '%s\n' "${files[@]}" | xargs -r -P "$jobs" -I{} bash -o pipefail -c 'lint "$1"' - {} || status=1
left=$(wc -l <"$LINT_LEFT")
echo "lint: $((${#files[@]} - left)) of ${#files[@]} files$([ "$left" -eq 0 ] || echo "; no time for the others")"
exit $status
