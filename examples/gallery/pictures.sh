#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the images of this gallery: runs each example and takes a frame of what it has written.
#   examples/on-emulator.sh examples/gallery/pictures.sh [FOLDER]
set -eu
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
folder=${1-$here}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH="$here:$here/..:$PATH"

# picture NAME FILE [N]: the Nth frame (2nd) of those a second apart, from the end of FILE.
picture() {
  rm -f "$work"/*.jpg
  gst-launch-1.0 -q filesrc location="$2" ! decodebin ! videoconvert ! videoscale ! videorate ! \
    video/x-raw,width=240,height=135,pixel-aspect-ratio=1/1,framerate=1/1 ! jpegenc quality=80 ! \
    multifilesink location="$work/%03d.jpg"
  find "$work" -name '*.jpg' | sort | tail -n "${3-2}" | head -n 1 | xargs -I IMAGE mv IMAGE "$folder/$1.jpg"
}

save.sh "$work/save.mp4" && picture save "$work/save.mp4"
VIDEO_SINK="x264enc speed-preset=ultrafast ! matroskamux ! filesink location=$work/play.mkv" \
  AUDIO_SINK=fakesink play.sh && picture play "$work/play.mkv"
VIDEO_SINK="x264enc speed-preset=ultrafast ! matroskamux ! filesink location=$work/served.mkv" \
  AUDIO_SINK=fakesink serve.sh && picture serve "$work/served.mkv"
webm.sh "$work/clip.webm" && picture webm "$work/clip.webm"
hls.sh "$work/hls" && picture hls "$work/hls/segment000.ts"
mezzanine.sh "$work/mezzanine.mov" && picture mezzanine "$work/mezzanine.mov"
edit.sh "$work/edit.mkv" && picture edit "$work/edit.mkv"
batch.sh "$work/clips" && picture batch "$work/clips/tower.mp4"
progress-bar "$work/progress.mp4" && picture progress_bar "$work/progress.mp4"
RECORD_SECONDS=60 picture-in-picture.sh "$work/corner.mkv" duration=8 &&
  picture picture-in-picture "$work/corner.mkv" 5
changing-prompt --clips 2 --output "$work/changing.mkv" && picture changing_prompt "$work/changing.mkv"
echo "A boat in a storm" | live.py --output "$work/live.mkv" && picture live "$work/live.mkv"
for graph in obs.txt studio.gps strom.json; do
  graph.py "$here/$graph" "$work/$graph.mkv" && picture "${graph%.*}" "$work/$graph.mkv"
done
