#!/bin/bash
# Renews the files of other tools in tests/golden/ltx: what Litestream wrote while a small database
# was changed, and what it restores from that. Needs go, its module proxy and sqlite3.
#
#   make_golden.sh [VERSION ...]     default: v0.5.5 (pages as LZ4 frames) v0.5.18 (LZ4 blocks)
#
# LITESTREAM_DIR: a folder that keeps the built binaries, as VERSION/litestream.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
replicator=
trap '[ -z "$replicator" ] || kill "$replicator" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT

# Waits until level 0 has this many files.
wait_for_files() {
    for _ in $(seq 200); do
        if [ "$(find "$work/replica/ltx/0" -name '*.ltx' 2>/dev/null | wc -l)" -ge "$1" ]; then return; fi
        sleep 0.1
    done
    echo "litestream wrote no file $1" >&2
    exit 1
}

[ $# -gt 0 ] || set -- v0.5.5 v0.5.18
for tag in "$@"; do
    bin=${LITESTREAM_DIR:-$work}/$tag
    [ -x "$bin/litestream" ] || GOFLAGS=-mod=mod GOPATH="$work/go" GOBIN="$bin" \
        go install "github.com/benbjohnson/litestream/cmd/litestream@$tag"
    rm -rf "$work"/db* "$work"/.db* "$work/replica" "$work/restored"
    sqlite3 "$work/db" 'PRAGMA page_size=1024; PRAGMA journal_mode=wal; CREATE TABLE t(a, b)' >/dev/null
    "$bin/litestream" replicate "$work/db" "file://$work/replica" >"$work/log" 2>&1 &
    replicator=$!
    wait_for_files 1
    sqlite3 "$work/db" "INSERT INTO t VALUES (1, randomblob(3000))"
    wait_for_files 2
    sqlite3 "$work/db" "INSERT INTO t VALUES (2, 'text'); UPDATE t SET b = zeroblob(900) WHERE a = 1"
    wait_for_files 3
    sqlite3 "$work/db" "DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (3, randomblob(2000))"
    wait_for_files 4
    kill "$replicator"
    wait "$replicator" || true
    replicator=
    "$bin/litestream" restore -o "$work/restored" "file://$work/replica" >>"$work/log" 2>&1
    into="$here/ltx/litestream-${tag#v}"
    rm -rf "$into"
    mkdir -p "$into"
    cp -r "$work/replica/ltx/." "$into"
    cp "$work/restored" "$into/restored.db"
    find "$into" -name '*.tmp' -delete
done
