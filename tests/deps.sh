#!/usr/bin/env bash
# Installs the Debian packages of tests/packages.txt that are missing, and those named on the command line; says nothing when none is.
set -euo pipefail
cd "$(dirname "$0")"
command -v apt-get >/dev/null || {
    echo "apt-get is not here: this wants Debian 12 or 13" >&2
    exit 1
}
# shellcheck source=/dev/null
version=$(. /etc/os-release && echo "${VERSION_ID:-0}")
wanted=$(sed 's/#.*//' packages.txt | awk -v v="$version" 'NF == 1 { print $1 } NF == 3 && $3 == v { print $1 }')
# shellcheck disable=SC2086 # a list of words
present=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted "$@" 2>/dev/null | sed -n 's/ installed$//p' || true)
missing=()
for p in $wanted "$@"; do
    grep -qxF -- "$p" <<<"$present" || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "these Debian packages are missing and neither root nor sudo is at hand: ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo "${as_root[@]}")
fi
echo "installing: ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
