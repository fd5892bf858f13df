#!/usr/bin/env bash
# Gets the nats-server of another Debian suite into a folder without installing it: newer-server.sh SUITE DIR. The mirror is the one that apt uses.
set -euo pipefail
suite=$1
mkdir -p "$2/apt/lists/partial" "$2/apt/archives/partial"
dir=$(cd "$2" && pwd)
if [ -x "$dir/nats-server" ]; then
    "$dir/nats-server" --version
    exit 0
fi
# shellcheck disable=SC2016 # the placeholder is apt's, not the shell's
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$dir/apt/sources.list"
options=(-o "Dir::Etc::sourcelist=$dir/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt")
apt-get "${options[@]}" -qq update
(cd "$dir/apt" && apt-get "${options[@]}" -qq download nats-server)
dpkg -x "$dir"/apt/nats-server_*.deb "$dir/root"
mv "$dir/root/usr/sbin/nats-server" "$dir/nats-server"
rm -rf "$dir/apt" "$dir/root"
"$dir/nats-server" --version
