#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Six frames of a clip in one image.
#
#   examples/contact-sheet.sh CLIP IMAGE.jpg
set -eu

clip=${1:?Give the clip, then the image to write.}
image=${2:?Give the image to write.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seconds=$(gst-discoverer-1.0 "$clip" | awk '/Duration:/ {split($2, t, ":"); print t[1] * 3600 + t[2] * 60 + t[3]; exit}')
# Six frames, the first and the last a twelfth of the clip away from its ends.
rate=$(awk -v seconds="$seconds" 'BEGIN {printf "%d/%d", 6000, seconds * 1000}')
half=$(awk -v seconds="$seconds" 'BEGIN {printf "%d", seconds / 12 * 1000000000}')

gst-launch-1.0 -q filesrc location="$clip" ! decodebin ! videoconvert ! videoscale ! \
  video/x-raw,width=480,height=270,pixel-aspect-ratio=1/1 ! identity ts-offset="-$half" ! \
  videorate max-duplication-time=0 ! video/x-raw,framerate="$rate" ! pngenc ! \
  multifilesink location="$work/%d.png" max-files=6

gst-launch-1.0 -q compositor name=sheet background=black \
  sink_0::xpos=0 sink_1::xpos=484 sink_2::xpos=968 \
  sink_3::xpos=0 sink_3::ypos=274 sink_4::xpos=484 sink_4::ypos=274 \
  sink_5::xpos=968 sink_5::ypos=274 ! \
  video/x-raw,width=1448,height=544,framerate=1/1 ! videoconvert ! jpegenc quality=88 snapshot=true ! \
  filesink location="$image" \
  filesrc location="$work/0.png" ! pngdec ! imagefreeze num-buffers=1 ! sheet.sink_0 \
  filesrc location="$work/1.png" ! pngdec ! imagefreeze num-buffers=1 ! sheet.sink_1 \
  filesrc location="$work/2.png" ! pngdec ! imagefreeze num-buffers=1 ! sheet.sink_2 \
  filesrc location="$work/3.png" ! pngdec ! imagefreeze num-buffers=1 ! sheet.sink_3 \
  filesrc location="$work/4.png" ! pngdec ! imagefreeze num-buffers=1 ! sheet.sink_4 \
  filesrc location="$work/5.png" ! pngdec ! imagefreeze num-buffers=1 ! sheet.sink_5
