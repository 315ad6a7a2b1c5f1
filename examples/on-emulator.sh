#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs a command with the emulator in place of the service: no account, no cost. Installs what it
# needs (Debian 12 or 13, as root), builds, and makes three ingredients: 501 is a photo, 502 a logo,
# 503 a clip. For the command, the folder that they are in is $INGREDIENTS.
#
#   examples/on-emulator.sh COMMAND [ARGUMENT…]
#
# A generation takes LATENCY seconds (6), and what the emulator's machine needs to make the clip.
set -eu

if [ $# -eq 0 ]; then
  echo "Give the command to run, such as $(dirname "$0")/picture-in-picture.sh." >&2
  exit 2
fi
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build="$root/build"

"$here/install-packages.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# quietly COMMAND…: shows what it prints only when it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
}

if [ ! -f "$build/build.ninja" ]; then
  echo "Building, once"
  quietly meson setup "$build" "$root"
fi
quietly ninja -C "$build" plugin/libgstgenpro.so src/emulator/genpro-emulator src/cli/genpro \
  examples/changing-prompt examples/playlist-to-hls examples/progress-bar
export INGREDIENTS="$work/ingredients"
quietly "$here/make-ingredients.sh" "$INGREDIENTS"

export GST_PLUGIN_PATH="$build/plugin${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
export PATH="$build/examples:$build/src/cli:$build/src/emulator:$PATH"
# What the emulator makes is not paid for, and does not belong into the user's ledger.
export XDG_STATE_HOME="$work/state"
# Nor is the user's configuration of any use to it.
export XDG_CONFIG_HOME="$work/config"

genpro-emulator exec --latency "${LATENCY:-6}" --ingredient "$INGREDIENTS/photo.jpg" \
  --ingredient "$INGREDIENTS/logo.png" --ingredient "$INGREDIENTS/clip.mp4" -- "$@"
