#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Transcodes a clip to WebM for a web page.
#   examples/on-emulator.sh examples/gallery/webm.sh [FILE.webm [SETTING…]]
set -eu
file=${1-clip.webm}
[ $# -eq 0 ] || shift

exec gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503 \
  model=veo_3_1_fast duration=5 prompt="A boat at noon" "$@" ! decodebin name=clip \
  clip. ! queue ! videoconvert ! vp8enc deadline=1 cpu-used=8 target-bitrate=2000000 ! mux. \
  clip. ! queue ! audioconvert ! audioresample ! opusenc ! mux. \
  webmmux name=mux ! filesink location="$file"
