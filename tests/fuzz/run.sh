#!/bin/bash
# Runs each fuzzer of the preset `fuzz` for a while, over the seeds and the inputs found by earlier
# runs (build/fuzz/corpus). Fails on a finding and prints it, the minimized input, and how to run it
# again.
#
#   run.sh SECONDS [NAME ...]     default: all of them
#
# FUZZ_SEED=N: the same inputs at each run, as far as the time allows, so that a change is judged by
# what it changed. Without, others each time.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=$1
shift
bin=build/fuzz/bin
if [ $# -eq 0 ]; then
    set -- "$bin"/*_fuzzer
    set -- "${@##*/}"
    set -- "${@%_fuzzer}"
fi
# An input that takes longer or more memory is a finding, too.
limits=(-timeout=5 -rss_limit_mb=512)
export UBSAN_OPTIONS=print_stacktrace=1
# What was freed counts as memory in use until it leaves the sanitizer's quarantine: many small inputs
# would exceed the limit that is meant for one.
export ASAN_OPTIONS=quarantine_size_mb=32

# busy NAME LOG: the run stopped at an input that exceeded the limit of elapsed time but not of
# processor time, because the machine was busy.
busy() {
    local input
    input=$(sed -n 's/.*Test unit written to //p' "$2" | tail -1)
    case ${input##*/} in "$1"-timeout-*) ;; *) return 1 ;; esac
    (ulimit -t 5 && "$bin/$1_fuzzer" "$input") >"$2.again" 2>&1 && rm -f "$input"
}

# found NAME LOG: reports what the run that wrote LOG stopped at.
found() {
    local input program=$bin/$1_fuzzer smaller=build/fuzz/found/$1-smaller
    sed -n '/^property:/,+1p; /ERROR: /p; /SUMMARY: /p; /runtime error:/p; / #[0-9]* 0x.* in .*_fuzzer.cc/p' "$2" |
        head -30
    input=$(sed -n 's/.*Test unit written to //p' "$2" | tail -1)
    if [ -z "$input" ]; then
        echo "$1: stopped without an input; its output: $2"
        return
    fi
    # Inputs that are slow or large cannot be minimized this way.
    case ${input##*/} in "$1"-crash-*)
        rm -f "$smaller"
        "$program" -minimize_crash=1 -max_total_time=20 "${limits[@]}" -exact_artifact_path="$smaller" \
            "$input" >"$2.smaller" 2>&1 || true
        [ ! -s "$smaller" ] || mv "$smaller" "$input"
        ;;
    esac
    echo "$1: found something, $(stat -c %s "$input") bytes. Once more: $program $input"
    echo "To keep it as a test: cp $input tests/fuzz/corpus/$1/found-NAME"
}

# coverage LOG WORD: the last figure in the log's lines of this kind.
coverage() { sed -n "s/^#[0-9]*.*$2.*cov: \([0-9]*\) .*/\1/p" "$1" | tail -1; }

mkdir -p build/fuzz/found build/fuzz/logs
failed=0
lines=()
for name in "$@"; do
    program=$bin/${name}_fuzzer
    if [ ! -x "$program" ]; then
        echo "There is no fuzzer $name, but there are:" $(cd "$bin" && echo *_fuzzer | sed 's/_fuzzer//g') >&2
        exit 2
    fi
    { read -r max_len; mapfile -t seeds; } <"$program.options"
    learned=build/fuzz/corpus/$name
    mkdir -p "$learned"
    log=build/fuzz/logs/$name
    verdict=
    if ! "$program" -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -max_len="$max_len" "${limits[@]}" -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$name-" "$learned" "${seeds[@]}" >"$log" 2>&1; then
        if busy "$name" "$log"; then
            verdict='; cut short by a busy machine'
        else
            found "$name" "$log"
            verdict='; FOUND SOMETHING'
            failed=1
        fi
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    first=$(coverage "$log" INITED)
    last=$(coverage "$log" '')
    lines+=("$(printf '%-16s %9s executions, %s edges covered, %s of them new%s' "$name" "${executions:-?}" \
        "${last:-?}" "$((${last:-0} - ${first:-0}))" "$verdict")")
done
printf '%s\n' "${lines[@]}"
exit $failed
