#!/usr/bin/env bash
# Prints the commit that this tree's changes are compared with, for .ci/run: where the branch left
# the main one; on the main branch itself, the commit twenty before. Prints nothing where the clone
# does not go back so far.
set -euo pipefail
cd "$(dirname "$0")/.."

head=$(git rev-parse HEAD 2>/dev/null) || exit 0
for main in origin/main main; do
    base=$(git merge-base "$main" HEAD 2>/dev/null) || continue
    if [ "$base" != "$head" ]; then
        echo "$base"
        exit
    fi
done
git rev-parse -q --verify 'HEAD~20^{commit}' || true
