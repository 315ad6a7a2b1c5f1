#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Serves recipes over HTTP, and plays the clip of one as any player does that opens URLs.
#   examples/on-emulator.sh examples/gallery/serve.sh [OPTION…]
# VIDEO_SINK and AUDIO_SINK stand in for the window and the loudspeaker.
set -eu
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
work=$(mktemp -d)
genpro serve "$here/.." --port 0 "$@" >"$work/address" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

until [ -s "$work/address" ]; do
  kill -0 "$server"
  sleep 0.1
done
# The answer comes when the clip is made; without timeout=0 the element gives up after 15 s.
# shellcheck disable=SC2086 # the sinks may be several words
gst-launch-1.0 souphttpsrc timeout=0 location="$(cat "$work/address")recipe/boat.mp4" ! \
  decodebin name=clip \
  clip. ! queue ! videoconvert ! ${VIDEO_SINK:-autovideosink} \
  clip. ! queue ! audioconvert ! audioresample ! ${AUDIO_SINK:-autoaudiosink}
