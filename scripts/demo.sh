#!/usr/bin/env bash
# Three nodes on this machine, with a real nats-server and a real service on SQLite: the leader's
# node is killed and another one serves the same data; then a planned switchover loses nothing.
# Everything is removed at the end, unless the first argument is not empty. As root each node gets a
# network namespace of its own, and the client reaches the service by a virtual address, which moves
# with it; otherwise everything runs on loopback, and the client tries one port after the other.
#
#   scripts/demo.sh [KEEP]
#
# BUILD  directory of the build (build/release)
set -uo pipefail
cd "$(dirname "$0")/.."
# The client's namespace, which is also the switch: this script goes on in there.
if [ -z "${DEMO_NET:-}" ]; then
    DEMO_NET=no
    if [ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v nsenter >/dev/null &&
        unshare --net ip link add demo type bridge 2>/dev/null; then
        DEMO_NET=yes exec unshare --net "$PWD/scripts/demo.sh" "$@"
    fi
fi
keep=${1:-}
bin=$PWD/${BUILD:-build/release}/bin
root=$(mktemp -d "${TMPDIR:-/tmp}/convex-demo.XXXXXX")
ttl_ms=3000
nodes=(n1 n2 n3)
failures=0
vip=10.78.0.100
nats_pid=
declare -A holder
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
    trap '' INT TERM  # a second Ctrl-C must not interrupt the cleanup
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
    for node in "${!holder[@]}"; do kill "${holder[$node]}" 2>/dev/null; done
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

# A host for each node: its namespace lives as long as a process in it.
with_net() { [ "$DEMO_NET" = yes ]; }
host_of() { if with_net; then echo "10.78.0.${1#n}"; else echo 127.0.0.1; fi; }
on() {
    local node=$1
    shift
    if with_net; then nsenter --net="/proc/${holder[$node]}/ns/net" -- "$@"; else "$@"; fi
}
plug_in() {
    local node=$1 own
    own=$(readlink /proc/self/ns/net)
    unshare --net sleep infinity &
    holder[$node]=$!
    disown $!
    for _ in $(seq 200); do
        [ "$(readlink "/proc/${holder[$node]}/ns/net")" != "$own" ] && break
        sleep 0.01
    done
    ip link add "p$node" type veth peer name eth0 netns "${holder[$node]}" &&
        ip link set "p$node" master br0 up &&
        on "$node" ip link set lo up &&
        on "$node" ip addr add "$(host_of "$node")/24" dev eth0 &&
        on "$node" ip link set eth0 up
}
if with_net; then
    { ip link set lo up && ip link add br0 type bridge forward_delay 0 stp_state 0 &&
        ip addr add 10.78.0.254/24 dev br0 && ip link set br0 up; } || exit 1
    for node in "${nodes[@]}"; do plug_in "$node" || exit 1; done
fi
client=$(if with_net; then echo 10.78.0.254; else echo 127.0.0.1; fi)

# Ports that are not in use.
free_port() {
    while :; do
        local port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
    done
}
nats_port=$(free_port)
declare -A service api metrics
service_port=$(free_port)
for node in "${nodes[@]}"; do
    service[$node]=$(if with_net; then echo "$service_port"; else free_port; fi)
    api[$node]=$(free_port)
    metrics[$node]=$(free_port)
done
servers=$(IFS=,; for node in "${nodes[@]}"; do printf '127.0.0.1:%s,' "${service[$node]}"; done)
servers=${servers%,}
with_net && servers=$vip:$service_port
# What the configuration has besides, and where the service listens.
vip_key() { with_net && printf '"vip": {"address": "%s", "netmask": 24, "interface": "eth0"},' "$vip"; }
listen=$(if with_net; then echo 0.0.0.0; else echo 127.0.0.1; fi)
holders() {
    for node in "${nodes[@]}"; do
        [[ $(on "$node" ip -o addr show dev eth0) == *" $vip/"* ]] && echo "$node"
    done
}
show_vip() {
    with_net || return 0
    if [ "$(holders)" = "$leader" ]; then
        held "the virtual address is on $leader alone: $(on "$leader" ip -o addr show dev eth0 |
            sed -n "s| *\\\\.*||; s|.*inet \($vip/[^ ]*\).*|\1|p") dev eth0"
    else
        broken "the virtual address is on: $(holders | tr '\n' ' ')"
    fi
}

write_config() {
    local node=$1 directory=$root/$1
    mkdir -p "$directory"
    cat >"$directory/cluster.json" <<JSON
{
    "clusterId": "demo",
    "nodeId": "$node",
    $(vip_key)
    "advertise": "$(host_of "$node")",
    "nats": {"servers": ["nats://$client:$nats_port"]},
    "election": {"leaderTtlMs": $ttl_ms, "heartbeatIntervalMs": 500},
    "stateDir": "$directory/state",
    "wal": {"replicaPath": "$directory/replica/notes.db"},
    "backend": {
        "dataPath": "$directory/data/notes.db",
        "healthEndpoint": "http://$(host_of "$node"):${service[$node]}/version",
        "process": {"command": ["$bin/notes", "--database", "$directory/data/notes.db",
                                "--listen", "$listen:${service[$node]}"]}
    },
    "api": {"listen": "$(host_of "$node"):${api[$node]}"},
    "metrics": {"listen": "$(host_of "$node"):${metrics[$node]}"}
}
JSON
    chmod 600 "$directory/cluster.json"
}
start_node() {
    local enter=()
    with_net && enter=(nsenter --net="/proc/${holder[$1]}/ns/net" --)
    RUNTIME_DIRECTORY=$root/$1 setsid "${enter[@]}" "$bin/convex-cluster-manager" daemon -c "$root/$1/cluster.json" \
        >>"$root/$1/log" 2>&1 </dev/null &
    echo $! >"$root/$1/pid"
    disown $!  # its end is found by pid; the shell need not report it
}
is_ready() { [ "$(curl -s -m 1 -o /dev/null -w '%{http_code}' "http://$(host_of "$1"):${api[$1]}/ready")" = 200 ]; }
field() { curl -s -m 1 "http://$(host_of "$1"):${api[$1]}/status" | tr -d ' ",' | sed -n "s/^$2://p" | head -1; }

# Prints the node that serves; waits up to $2 seconds for one other than $1.
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
# Waits until every other node has all that the leader has shipped.
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
# All processes of a node: the warden, the node process, the backend.
processes_of() {
    local child
    echo "$1"
    for child in $(awk -v parent="$1" '{ pid = $1; sub(/.*\) /, ""); if ($2 == parent) print pid }' \
        /proc/[0-9]*/stat 2>/dev/null); do
        processes_of "$child"
    done
}
# Prints the longest time in ms without an acknowledged write after the given time.
longest_gap() { awk -v from="$1" '$2 >= from { if (last && $2 - last > gap) gap = $2 - last; last = $2 } END { print gap + 0 }' "$root/promised"; }
last_promised() { tail -n 1 "$root/promised" 2>/dev/null | cut -d' ' -f1; }

started=$(now_ms)
say "Three nodes, one nats-server, a service that keeps notes in SQLite"
nats-server -js -sd "$root/nats" -a "$client" -p "$nats_port" -l "$root/nats.log" &
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
if with_net; then
    show_vip
else
    line "no virtual address: that needs root, ip and network namespaces; the client goes by ports"
fi

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
    show_vip
    line "longest time without a write: $(longest_gap $((killed_at - 1000))) ms"
else
    broken "nobody took over within 30 s"
    exit 1
fi
count=$("$bin/notes-client" check --server "$(host_of "$leader"):${service[$leader]}" --log "$root/promised") || true
lost=${count##*lost=}
# A crash can lose what was committed and not yet shipped: at this rate, the writes of milliseconds.
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
show_vip
sleep 1
line "longest time without a write: $(longest_gap $((asked_at - 500))) ms"
kill -TERM "$writer_pid" && wait "$writer_pid"
writer_pid=
total=$("$bin/notes-client" check --server "$(host_of "$leader"):${service[$leader]}" --log "$root/promised" --from "$mark") || true
[ "${total##*lost=}" = 0 ] && held "since the switchover began: $total" || broken "a planned switchover lost writes: $total"
total=$("$bin/notes-client" check --server "$(host_of "$leader"):${service[$leader]}" --log "$root/promised") || true
[ "${total##*lost=}" = "$crash_lost" ] && held "over all: $total ($crash_lost of them by the crash)" || broken "over all: $total"

wait_copies 10 || broken "the copies did not catch up"
sleep 0.5
sums=$(for node in "${nodes[@]}"; do [ "$node" = "$leader" ] || sha256sum <"$root/$node/replica/notes.db"; done | sort -u | wc -l)
[ "$sums" = 1 ] && held "the copies on the other two nodes are the same, byte by byte" || broken "the copies differ"

say "Where to look"
for node in "${nodes[@]}"; do
    line "$node  status http://$(host_of "$node"):${api[$node]}/status  metrics http://$(host_of "$node"):${metrics[$node]}/metrics  log $root/$node/log"
done
with_net && line "from the client's side: nsenter --net=/proc/$nats_pid/ns/net curl ..."
line "$bin/convex-cluster-manager status -c $root/n1/cluster.json"
line "all of it took $(($(now_ms) - started)) ms"

if [ "$failures" -ne 0 ]; then
    say "$failures checks failed"
    exit 1
fi
if [ -n "$keep" ]; then
    say "It goes on running. To end it:"
    line "kill $(cat "$root"/n*/pid | tr '\n' ' ')&& sleep 2 && kill $nats_pid ${holder[*]:-} && rm -rf $root"
    trap - EXIT
    disown -a
    exit 0
fi
say "All of it held"
exit 0
