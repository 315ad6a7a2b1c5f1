#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A live picture with a clip in its corner, recorded into a file. The production runs from the first
# moment on: before the clip is there, and after it, the corner is empty.
#
#   examples/on-emulator.sh examples/picture-in-picture.sh [FILE.mkv [SETTING…]]
#
# Settings are those of genprobin: "prompt=A boat", duration=8, placeholder=slate. It ends after
# RECORD_SECONDS (30), or with Ctrl-C.
set -eu

file=${1-picture-in-picture.mkv}
[ $# -eq 0 ] || shift

# The background stands for a camera, which is live as well. What the clip sounds like is not wanted
# here: its pad stays without a link. The format is named throughout, since the compositor would take
# one of 16 bits a channel.
exec timeout --foreground --preserve-status --signal=INT "${RECORD_SECONDS:-30}" \
  gst-launch-1.0 --eos-on-shutdown \
  compositor name=mix background=black \
  sink_1::xpos=880 sink_1::ypos=40 sink_1::width=360 sink_1::height=360 ! \
  video/x-raw,format=AYUV,width=1280,height=720,framerate=30/1 ! videoconvert ! video/x-raw,format=I420 ! \
  x264enc tune=zerolatency speed-preset=ultrafast bitrate=4096 ! h264parse ! matroskamux ! \
  progressreport name=recorded update-freq=1 ! filesink location="$file" \
  videotestsrc is-live=true pattern=smpte75 ! video/x-raw,format=AYUV,width=1280,height=720,framerate=30/1 ! \
  queue ! mix.sink_0 \
  genprobin name=clip sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501 model=pika \
  aspect-ratio=1:1 duration=5 prompt="The product, turning" placeholder=transparent format=AYUV fade=300 "$@" \
  clip.video ! queue ! mix.sink_1
