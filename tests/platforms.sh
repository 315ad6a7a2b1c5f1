#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the commit that is checked out on a bare Debian 13, each file by itself, with warnings as
# errors, and runs the tests there. Needs root, and some 4 GiB in TMPDIR. The packages come from DEBIAN_MIRROR, or
# else from debootstrap's own choice. The last line counts the test cases.
set -eu
cd "$(dirname "$0")/.."

# inside FOLDER COMMAND…, with nothing of this environment but the way to the network.
inside() {
  root=$1
  shift
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${http_proxy+"http_proxy=$http_proxy"} ${https_proxy+"https_proxy=$https_proxy"} \
    ${no_proxy+"no_proxy=$no_proxy"} chroot "$root" "$@"
}

# quietly COMMAND…: what it prints is shown if it fails.
quietly() {
  "$@" >"$log" 2>&1 || {
    cat "$log"
    exit 1
  }
}

if [ "${1-}" != --unshared ]; then
  examples/install-packages.sh --platforms
  work=$(mktemp -d)
  trap 'rm -rf --one-file-system "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  # What is mounted and started for it ends with it.
  unshare --mount --pid --fork --kill-child "$0" --unshared "$work"
  exit
fi

root=$2/root
log=$2/log
source=/srv/gst-genpro

echo "Making a bare Debian 13"
# shellcheck disable=SC2086 # nothing when it is not set
quietly debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR-}
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
# For the tests that type at a terminal.
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
quietly git clone --quiet . "$root$source"

inside "$root" "$source/examples/install-packages.sh" --tests
echo "Building"
quietly inside "$root" meson setup "$source/build" "$source" -Dtests=enabled -Dwerror=true -Dunity=off
quietly inside "$root" ninja -C "$source/build"
echo "Running the tests"
failed=0
inside "$root" meson test -C "$source/build" --no-rebuild --num-processes $(($(nproc) + 2)) \
  --timeout-multiplier 4 --print-errorlogs || failed=1
inside "$root" "$source/tests/count.py" "$source/build" || failed=1
exit "$failed"
