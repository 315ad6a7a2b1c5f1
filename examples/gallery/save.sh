#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Saves a clip as it is.
#   examples/on-emulator.sh examples/gallery/save.sh [FILE.mp4 [SETTING…]]
set -eu
file=${1-save.mp4}
[ $# -eq 0 ] || shift

exec gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,502 model=pika \
  duration=5 prompt="The product at sunset" "$@" ! filesink location="$file"
