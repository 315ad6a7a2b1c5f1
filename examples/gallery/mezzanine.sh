#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes a mezzanine file for an editing program: ProRes 422 HQ and 24-bit PCM in QuickTime.
#   examples/on-emulator.sh examples/gallery/mezzanine.sh [FILE.mov [SETTING…]]
set -eu
file=${1-mezzanine.mov}
[ $# -eq 0 ] || shift

exec gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503 \
  model=veo_3_1_fast duration=5 prompt="A boat at noon" "$@" ! decodebin name=clip \
  clip. ! queue ! videoconvert ! video/x-raw,format=I422_10LE ! avenc_prores_ks ! mux. \
  clip. ! queue ! audioconvert ! audioresample ! audio/x-raw,format=S24LE,rate=48000 ! mux. \
  qtmux name=mux ! filesink location="$file"
