#!/bin/bash
# Renews the seeds in tests/fuzz/corpus: output of our encoders (from the dev build), a WAL and a
# wal-index written by SQLite, and texts. Files found by fuzzers stay: their names begin with
# "found-". Needs sqlite3.
#
#   make_corpus.sh [BUILD]     default: build/dev
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/dev}
corpus=$here/corpus
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --build "$build" --target fuzz_seeds >/dev/null
mkdir -p "$corpus"
find "$corpus" -type f ! -name 'found-*' -delete
"$build/bin/fuzz_seeds" "$corpus"

# text THING NAME TEXT: writes the text unchanged. bytes THING NAME FORMAT: writes printf's output.
text() {
    mkdir -p "$corpus/$1"
    printf '%s' "$3" >"$corpus/$1/$2"
}
bytes() {
    mkdir -p "$corpus/$1"
    # shellcheck disable=SC2059
    printf "$3" >"$corpus/$1/$2"
}

# Closing the last connection deletes WAL and wal-index: copied before.
mkdir -p "$corpus/wal" "$corpus/wal_index"
for page_size in 512 1024 65536; do
    mkdir "$work/copies"
    sqlite3 "$work/db" >/dev/null <<SQL
PRAGMA page_size = $page_size;
PRAGMA journal_mode = wal;
PRAGMA wal_autocheckpoint = 0;
CREATE TABLE t(a, b);
INSERT INTO t VALUES (1, zeroblob(600)), (2, 'text');
UPDATE t SET b = 'other' WHERE a = 1;
.system cp $work/db-wal $work/db-shm $work/copies
SQL
    head -c 100 "$work/copies/db-shm" >"$corpus/wal_index/page-$page_size"
    # One page of 64 KiB would be larger than all other seeds together.
    [ "$page_size" -gt 1024 ] || cp "$work/copies/db-wal" "$corpus/wal/page-$page_size"
    rm -rf "$work/db"* "$work/copies"
done

# The wal-index that SQLite creates for an empty WAL.
sqlite3 "$work/db" 'PRAGMA journal_mode = wal; CREATE TABLE t(a)' >/dev/null
sqlite3 "$work/db" "SELECT * FROM t" ".system head -c 100 $work/db-shm >$corpus/wal_index/empty"

text config published '{
  // A node of three.
  "clusterId": "prod", "nodeId": "n1",
  "nats": {"servers": ["nats://10.0.0.1:4222", "tls://user:secret@[2001:db8::1]:4223"],
           "user": "u", "password": "correct-horse-battery"},
  "election": {"leaderTtlMs": 10000, "heartbeatIntervalMs": 3e3, "priority": 50},
  "wal": {"streamRetention": "24h", "snapshotIntervalMs": 3600000, "replicaPath": "/d/replica"},
  "backend": {"dataPath": "/d/data", "healthEndpoint": "http://127.0.0.1:3210/version",
              "process": {"command": ["/bin/b", "x"], "env": {"A": "b"}, "limits": {"nofile": 1024}}},
  "vip": {"address": "192.0.2.7", "netmask": 24, "interface": "eth0"},
  "vips": [{"address": "2001:db8::7", "prefix": 64, "interface": "eth0"}],
  "services": {"web": {"port": 80, "metadata": {"a": "b"}, "tags": ["x"]}},
  "api": {"listen": "127.0.0.1:8080"}, "log": {"level": "debug", "format": "json"}
}'
text config least '{"clusterId":"c","nodeId":"n","nats":{"servers":["h"]},"backend":{"kind":"exec"}}'
text config mistakes '{"clusterID": "a.b", "nats": {"server": [1, null]}, "wal": 7, "election": {"leaseTtlMs": 1.5}}'
text config nested '/* deep */ [[[{"a":[{}]}]]]'
text duration plain '1h30m10s500ms'
text duration fractions '-1.5h0.000001s+'
text duration small '3.25us7ns'
bytes duration greek '1\316\274s2\302\265s'
text duration longest '2562047h47m16.854775807s'
text event_line plain 'lease_lost'
text event_line marks 'a "quoted" \ value with spaces'
bytes event_line accents 'd\303\251j\303\240 \360\237\230\200'
bytes event_line broken 'cut \303\n\033[2J'
bytes http healthy 'HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n'
bytes http down 'HTTP/1.0 503 Service Unavailable\r\n\r\n'
bytes http bare 'HTTP/1.1 200\n'
bytes http page 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
text http url 'http://127.0.0.1:3210/version?a=b#c'
text http url6 'http://[::1]:80?q'
bytes ltx fields '\003\000\005\000\000\000\002\003........\001.......\001.......aaaabbbbnnnnnnnn\001\005hello\001\003abc'
text small_texts address '[2001:db8::1]:8080'
text small_texts name 'n-1.example:80'
text small_texts number '00000018446744073709551615'
text small_texts hexadecimal '00000000000000ff'
text small_texts position '16909060 2694889680 17 3000000000 5'
text small_texts staged '0000000000000007-nuid.staged'
text small_texts time '2026-01-02T03:04:05.678Z'
text small_texts url 'tls://us%40er:pa%3Ass@[2001:db8::1]:4223/'
text small_texts zone '2026-01-02 23:59:60+05:30'

bytes frames arp '\377\377\377\377\377\377\002\000\000\000\000\052\010\006\000\001\010\000\006\004\000\002\002\000\000\000\000\052\300\000\002\007\002\000\000\000\000\052\300\000\002\007'
bytes frames advertisement '\210\000\000\000\040\000\000\000\040\001\015\270\000\000\000\000\000\000\000\000\000\000\000\007\016\001\001\002\003\004\005\006\002\001\002\000\000\000\000\052'
text small_texts ip_prefix '2001:db8::7/64'
text small_texts ip_address '192.0.2.7'
