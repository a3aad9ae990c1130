#!/usr/bin/env bash
# Installs missing packages of the given sets of scripts/packages, and prints which and why; prints
# nothing where none is missing. Starts no service, asks nothing.
#
#   scripts/setup.sh build test
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
    echo "usage: scripts/setup.sh SET...   (build, demo, test, format, lint, clang, fuzz, models)" >&2
    exit 2
fi

missing=()
reasons=()
while read -r package sets reason; do
    case $package in '' | '#'*) continue ;; esac
    for set in "$@"; do
        case ",$sets," in *",$set,"*) ;; *) continue ;; esac
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        if [ "$status" != installed ]; then
            missing+=("$package")
            reasons+=("$(printf '  %-22s %s' "$package" "$reason")")
        fi
        break
    done
done <scripts/packages
[ ${#missing[@]} -eq 0 ] && exit 0

echo "These packages are missing and needed here ($*):"
printf '%s\n' "${reasons[@]}"
if ! command -v apt-get >/dev/null; then
    echo "There is no apt-get: install their counterparts with your system's own tools." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "As root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Installing a package with a daemon starts it, unless this file forbids it. Tests run their own
# servers on their own ports.
guard=/usr/sbin/policy-rc.d
if [ ! -e $guard ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $guard >/dev/null
    trap '"${as_root[@]}" rm -f $guard' EXIT
    "${as_root[@]}" chmod 755 $guard
fi
echo "Installing them with apt-get${as_root[*]:+ (by sudo)}; no service is started."
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
"${apt[@]}" update </dev/null
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
echo "Installed."
