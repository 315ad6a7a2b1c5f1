#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Cuts a clip into segments and a playlist for HTTP Live Streaming.
#   examples/on-emulator.sh examples/gallery/hls.sh [FOLDER [SETTING…]]
set -eu
folder=${1-hls}
[ $# -eq 0 ] || shift
mkdir -p "$folder"

exec gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503 \
  model=veo_3_1_fast duration=8 prompt="A boat at noon" "$@" ! decodebin name=clip \
  clip. ! queue ! videoconvert ! video/x-raw,format=I420 ! x264enc speed-preset=veryfast \
  key-int-max=48 ! h264parse ! queue ! mux. \
  clip. ! queue ! audioconvert ! audioresample ! avenc_aac ! aacparse ! queue ! mux. \
  mpegtsmux name=mux ! hlssink target-duration=2 max-files=0 playlist-length=0 \
  location="$folder/segment%03d.ts" playlist-location="$folder/playlist.m3u8"
