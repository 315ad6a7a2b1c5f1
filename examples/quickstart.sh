#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From ingredients to a clip, a decoded clip and a WebM, without an account: the emulator stands in
# for the service. Installs what it needs (Debian 12 or 13, as root), builds, and runs.
#
#   examples/quickstart.sh [FILE…]   images, clips, logos; without any it makes three itself
#
# Writes quickstart.mp4 and quickstart.webm into the folder it is called from.
set -eu

here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
root=$(dirname "$here")

for file in "$@"; do
  [ -r "$file" ] || {
    echo "There is no readable file '$file'. Give images, clips or logos that exist." >&2
    exit 1
  }
done

"$here/install-packages.sh"
export GST_PLUGIN_PATH="$root/build/plugin${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What the emulator makes is not paid for, and does not belong into the user's ledger.
export XDG_STATE_HOME="$work/state"
# Nor is the user's configuration of any use to it.
export XDG_CONFIG_HOME="$work/config"
trap 'exit 130' INT
trap 'exit 143' TERM

# quietly COMMAND…: shows what it prints only when it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
}

if [ ! -f "$root/build/build.ninja" ]; then
  echo "Building, once"
  quietly meson setup "$root/build" "$root"
fi
quietly ninja -C "$root/build" plugin/libgstgenpro.so src/emulator/genpro-emulator

if [ $# -eq 0 ]; then
  "$here/make-ingredients.sh" "$work"
  set -- "$work/photo.jpg" "$work/logo.png" "$work/clip.mp4"
fi

# The emulator numbers its ingredients from 501 in the order in which it is given them.
ids=""
count=$#
number=501
while [ "$count" -gt 0 ]; do
  file=$1
  shift
  ids="$ids${ids:+,}$number"
  set -- "$@" --ingredient "$file"
  number=$((number + 1))
  count=$((count - 1))
done

prompt="A calm product film: the ingredients at sunset, the logo on top"
echo "gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=$ids \\"
echo "  model=veo_3_1 aspect-ratio=16:9 duration=5 prompt=\"$prompt\" \\"
echo "  ! filesink location=quickstart.mp4"
echo
rm -f quickstart.mp4 quickstart.webm
quietly "$root/build/src/emulator/genpro-emulator" exec "$@" -- \
  gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids="$ids" \
  model=veo_3_1 aspect-ratio=16:9 duration=5 prompt="$prompt" \
  ! filesink location=quickstart.mp4
grep '^Progress' "$work/log" || true
cost=$(sed -n 's/^Progress.*is completed, cost //p' "$work/log")

# Decodes every frame: fakesink tells of each buffer that reaches it.
frames=$(gst-launch-1.0 -v filesrc location=quickstart.mp4 ! qtdemux name=demux \
  demux.video_0 ! queue ! decodebin ! fakesink silent=false sync=false |
  grep -c 'chain   \*')

gst-launch-1.0 -q filesrc location=quickstart.mp4 ! decodebin name=decode \
  decode. ! queue ! videoconvert ! vp8enc deadline=1 cpu-used=8 threads=2 target-bitrate=4000000 ! \
  mux. decode. ! queue ! audioconvert ! audioresample ! opusenc ! mux. \
  webmmux name=mux ! filesink location=quickstart.webm

# describe FILE: its codecs, raster, frame rate and length, as GStreamer reads them back.
describe() {
  gst-discoverer-1.0 -v "$1" 2>/dev/null | awk -v file="$1" '
    /^ *Duration:/ && seconds == "" {split($2, part, ":"); seconds = part[1] * 3600 + part[2] * 60 + part[3]}
    /^ *Width:/ {width = $2}
    /^ *Height:/ {height = $2}
    /^ *Frame rate:/ {rate = $3}
    /^ *video codec:/ {sub(/^[^:]*: */, ""); video = $0}
    /^ *audio codec:/ {sub(/^[^:]*: */, ""); audio = " + " $0}
    END {
      sub(/\/1$/, "", rate)
      printf "%s: %s%s, %sx%s, %s frames a second, %.2f s\n",
        file, video, audio, width, height, rate, seconds
    }'
}
echo
describe quickstart.mp4
echo "quickstart.mp4: $frames frames decoded"
describe quickstart.webm
echo "It cost ${cost:-nothing that the service told of} credits."
