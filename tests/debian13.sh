#!/usr/bin/env bash
# Builds and tests in a Debian 13 root made with mmdebstrap, from the mirror that apt uses. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v mmdebstrap >/dev/null || apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null
# shellcheck disable=SC2016 # the placeholder is apt's, not the shell's
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$')
root=build/debian13
packages=$(sed 's/#.*//' tests/packages.txt | awk 'NF == 1 { print $1 } NF == 3 && $3 == 13 { print $1 }' | grep -v '^clang\|^cppcheck\|^pmccabe\|^gcovr' | paste -sd,)
if [ ! -d "$root/usr" ]; then
    mmdebstrap --variant=minbase --include="$packages,make,git,procps,nodejs,npm" trixie "$root" "$mirror"
fi
rm -rf "$root/src"
mkdir -p "$root/src"
git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$root/src"
[ -d tests/node_modules ] && cp -r tests/node_modules "$root/src/tests/"
trap 'umount "$root/proc" "$root/dev/pts" 2>/dev/null || true' EXIT
mount --bind /proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts" # tests of what a terminal shows
chroot "$root" /bin/bash -c 'cd /src && export HOME=/root && sed -i "/^clang/d;/^cppcheck/d;/^pmccabe/d;/^gcovr/d" tests/packages.txt && make -j2 build unit && make flow'
