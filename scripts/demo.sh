#!/usr/bin/env bash
# Three nodes on this machine, a real nats-server, a real service that writes SQLite: the leader's node
# is killed, another serves the same data; then a planned switchover loses nothing. Everything is on
# loopback, and gone at the end, unless the first argument is not empty.
#
#   scripts/demo.sh [KEEP]
#
# BUILD  folder of the build (build/release)
set -uo pipefail
cd "$(dirname "$0")/.."
keep=${1:-}
bin=$PWD/${BUILD:-build/release}/bin
root=$(mktemp -d "${TMPDIR:-/tmp}/convex-demo.XXXXXX")
ttl_ms=3000
nodes=(n1 n2 n3)
failures=0
nats_pid=
writer_pid=

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }
line() { printf '   %s\n' "$*"; }
now_ms() { date +%s%3N; }
held() { line "ok    $*"; }
broken() {
    line "FAIL  $*"
    failures=$((failures + 1))
}

# shellcheck disable=SC2317  # called by the trap
clean_up() {
    local status=$?
    trap - EXIT
    trap '' INT TERM # a second Ctrl-C does not leave half of it behind
    [ -n "$writer_pid" ] && kill "$writer_pid" 2>/dev/null
    for node in "${nodes[@]}"; do
        [ -s "$root/$node/pid" ] && kill -TERM "$(cat "$root/$node/pid")" 2>/dev/null
    done
    for node in "${nodes[@]}"; do
        [ -s "$root/$node/pid" ] || continue
        local pid
        pid=$(cat "$root/$node/pid")
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null
    done
    [ -n "$nats_pid" ] && kill "$nats_pid" 2>/dev/null && wait "$nats_pid" 2>/dev/null
    if [ $status -ne 0 ] && [ $status -ne 130 ] && [ $status -ne 143 ]; then
        echo "The logs of this run are kept in $root" >&2
    else
        rm -rf "$root"
    fi
    exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for tool in nats-server curl; do
    command -v $tool >/dev/null || { echo "demo: $tool is missing: run 'make demo'" >&2; exit 1; }
done
for program in convex-cluster-manager convex-cluster-warden notes notes-client; do
    [ -x "$bin/$program" ] || { echo "demo: $bin/$program is missing: run 'make demo'" >&2; exit 1; }
done

# Ports that nobody listens on.
free_port() {
    while :; do
        local port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
    done
}
nats_port=$(free_port)
declare -A service api metrics
for node in "${nodes[@]}"; do
    service[$node]=$(free_port)
    api[$node]=$(free_port)
    metrics[$node]=$(free_port)
done
servers=$(IFS=,; for node in "${nodes[@]}"; do printf '127.0.0.1:%s,' "${service[$node]}"; done)
servers=${servers%,}

write_config() {
    local node=$1 folder=$root/$1
    mkdir -p "$folder"
    cat >"$folder/cluster.json" <<JSON
{
    "clusterId": "demo",
    "nodeId": "$node",
    "nats": {"servers": ["nats://127.0.0.1:$nats_port"]},
    "election": {"leaderTtlMs": $ttl_ms, "heartbeatIntervalMs": 500},
    "stateDir": "$folder/state",
    "wal": {"replicaPath": "$folder/replica/notes.db"},
    "backend": {
        "dataPath": "$folder/data/notes.db",
        "healthEndpoint": "http://127.0.0.1:${service[$node]}/version",
        "process": {"command": ["$bin/notes", "--database", "$folder/data/notes.db",
                                "--listen", "127.0.0.1:${service[$node]}"]}
    },
    "api": {"listen": "127.0.0.1:${api[$node]}"},
    "metrics": {"listen": "127.0.0.1:${metrics[$node]}"}
}
JSON
    chmod 600 "$folder/cluster.json"
}
start_node() {
    RUNTIME_DIRECTORY=$root/$1 setsid "$bin/convex-cluster-manager" daemon -c "$root/$1/cluster.json" \
        >>"$root/$1/log" 2>&1 </dev/null &
    echo $! >"$root/$1/pid"
    disown $! # its end is looked for by pid; the shell need not tell of it
}
is_ready() { [ "$(curl -s -m 1 -o /dev/null -w '%{http_code}' "http://127.0.0.1:${api[$1]}/ready")" = 200 ]; }
field() { curl -s -m 1 "http://127.0.0.1:${api[$1]}/status" | tr -d ' ",' | sed -n "s/^$2://p" | head -1; }

# The node that serves; waits for one other than $1 for at most $2 seconds.
leader=
wait_leader() {
    local deadline=$(($(now_ms) + $2 * 1000))
    while [ "$(now_ms)" -lt $deadline ]; do
        for node in "${nodes[@]}"; do
            [ "$node" = "$1" ] && continue
            if is_ready "$node"; then
                leader=$node
                return 0
            fi
        done
        sleep 0.02
    done
    return 1
}
# Until every other node has all that the leader has shipped.
wait_copies() {
    local deadline=$(($(now_ms) + $1 * 1000)) txid node all
    while [ "$(now_ms)" -lt $deadline ]; do
        txid=$(field "$leader" txid)
        all=yes
        for node in "${nodes[@]}"; do
            [ "$node" = "$leader" ] && continue
            { [ "$(field "$node" copyComplete)" = true ] && [ "$(field "$node" txid)" -ge "${txid:-1}" ]; } \
                2>/dev/null || all=
        done
        [ -n "$all" ] && [ -n "$txid" ] && return 0
        sleep 0.1
    done
    return 1
}
# Every process of a node: the warden, the node process, the backend.
processes_of() {
    local child
    echo "$1"
    for child in $(awk -v parent="$1" '{ pid = $1; sub(/.*\) /, ""); if ($2 == parent) print pid }' \
        /proc/[0-9]*/stat 2>/dev/null); do
        processes_of "$child"
    done
}
# The longest time without an acknowledged write after the given instant, in ms.
longest_gap() { awk -v from="$1" '$2 >= from { if (last && $2 - last > gap) gap = $2 - last; last = $2 } END { print gap + 0 }' "$root/promised"; }
last_promised() { tail -n 1 "$root/promised" 2>/dev/null | cut -d' ' -f1; }

started=$(now_ms)
say "Three nodes, one nats-server, a service that keeps notes in SQLite"
nats-server -js -sd "$root/nats" -a 127.0.0.1 -p "$nats_port" -l "$root/nats.log" &
nats_pid=$!
for node in "${nodes[@]}"; do
    write_config "$node"
    start_node "$node"
done
if ! wait_leader "" 20; then
    broken "no node became leader within 20 s"
    exit 1
fi
held "$leader leads after $(($(now_ms) - started)) ms (one ttl of it is the wait before a database is made)"

"$bin/notes-client" write --servers "$servers" --log "$root/promised" --rate 100 &
writer_pid=$!
line "a client writes 100 notes a second and keeps count of what it was promised"
sleep 2
wait_copies 10 && held "the other two nodes follow" || broken "the others do not follow"

say "kill -9: every process of $leader, the leader's node"
victim=$leader
before=$(last_promised)
killed_at=$(now_ms)
doomed=$(processes_of "$(cat "$root/$victim/pid")")
line "warden, node process and backend: $(echo $doomed)"
# shellcheck disable=SC2086
kill -KILL $doomed
if wait_leader "$victim" 30; then
    took=$(($(now_ms) - killed_at))
    sleep 1
    held "$leader serves after $took ms (the lease of $ttl_ms ms had to run out first)"
    line "longest time without a write: $(longest_gap $((killed_at - 1000))) ms"
else
    broken "nobody took over within 30 s"
    exit 1
fi
count=$("$bin/notes-client" check --server "127.0.0.1:${service[$leader]}" --log "$root/promised") || true
lost=${count##*lost=}
# What a crash can lose is what was committed and not yet shipped: milliseconds at this rate.
if [ "${lost:-1000}" -le 10 ]; then
    held "$count: a crash loses at most what was not shipped yet"
else
    broken "$count: more than a few milliseconds of writes"
fi
crash_lost=$lost

say "$victim comes back, and follows"
: >"$root/$victim/pid"
start_node "$victim"
sleep 1
wait_copies 20 && held "$victim has a whole copy again" || broken "$victim does not follow"

say "A planned switchover from $leader to $victim, while the client writes"
mark=$(($(last_promised) + 1))
from=$leader
asked_at=$(now_ms)
if "$bin/convex-cluster-manager" promote -c "$root/$victim/cluster.json" 2>"$root/promote.err" | sed 's/^/   /'; then
    held "it took $(($(now_ms) - asked_at)) ms"
else
    broken "promote failed: $(tail -n 1 "$root/promote.err")"
fi
wait_leader "$from" 10 || broken "nobody serves"
[ "$leader" = "$victim" ] || broken "$leader leads, not $victim"
sleep 1
line "longest time without a write: $(longest_gap $((asked_at - 500))) ms"
kill -TERM "$writer_pid" && wait "$writer_pid"
writer_pid=
total=$("$bin/notes-client" check --server "127.0.0.1:${service[$leader]}" --log "$root/promised" --from "$mark") || true
[ "${total##*lost=}" = 0 ] && held "since the switchover began: $total" || broken "a planned switchover lost writes: $total"
total=$("$bin/notes-client" check --server "127.0.0.1:${service[$leader]}" --log "$root/promised") || true
[ "${total##*lost=}" = "$crash_lost" ] && held "over all: $total ($crash_lost of them by the crash)" || broken "over all: $total"

wait_copies 10 || broken "the copies did not catch up"
sleep 0.5
sums=$(for node in "${nodes[@]}"; do [ "$node" = "$leader" ] || sha256sum <"$root/$node/replica/notes.db"; done | sort -u | wc -l)
[ "$sums" = 1 ] && held "the copies on the other two nodes are the same, byte by byte" || broken "the copies differ"

say "Where to look"
for node in "${nodes[@]}"; do
    line "$node  status http://127.0.0.1:${api[$node]}/status  metrics http://127.0.0.1:${metrics[$node]}/metrics  log $root/$node/log"
done
line "$bin/convex-cluster-manager status -c $root/n1/cluster.json"
line "all of it took $(($(now_ms) - started)) ms"

if [ "$failures" -ne 0 ]; then
    say "$failures checks failed"
    exit 1
fi
if [ -n "$keep" ]; then
    say "It goes on running. To end it:"
    line "kill $(cat "$root"/n*/pid | tr '\n' ' ')&& sleep 2 && kill $nats_pid && rm -rf $root"
    trap - EXIT
    disown -a
    exit 0
fi
say "All of it held"
exit 0
