#!/bin/bash
# Renews the files of other tools in tests/golden/ltx: what Litestream writes while a small database
# changes, and what it restores from that. Needs sqlite3, and what scripts/litestream.sh needs.
#
#   make_golden.sh [VERSION ...]     default: 0.5.5 (pages as LZ4 frames) 0.5.18 (LZ4 blocks)
#
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
replicator=
trap '[ -z "$replicator" ] || kill "$replicator" 2>/dev/null || true; rm -rf "$work"' EXIT

# Waits until level 0 has this many files.
wait_for_files() {
    for _ in $(seq 200); do
        if [ "$(find "$work/replica/ltx/0" -name '*.ltx' 2>/dev/null | wc -l)" -ge "$1" ]; then return; fi
        sleep 0.1
    done
    echo "litestream wrote no file $1" >&2
    exit 1
}

[ $# -gt 0 ] || set -- 0.5.5 0.5.18
"$here/../../scripts/litestream.sh" "$@"
for version in "$@"; do
    bin=${LITESTREAM_DIR:-$here/../../build/tools/litestream}/$version
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
    into="$here/ltx/litestream-$version"
    rm -rf "$into"
    mkdir -p "$into"
    cp -r "$work/replica/ltx/." "$into"
    cp "$work/restored" "$into/restored.db"
    find "$into" -name '*.tmp' -delete
done
