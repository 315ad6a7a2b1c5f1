#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Plays a clip in a window while it downloads, with its audio.
#   examples/on-emulator.sh examples/gallery/play.sh [SETTING…]
# VIDEO_SINK and AUDIO_SINK stand in for the window and the loudspeaker.
set -eu

# shellcheck disable=SC2086 # the sinks may be several words
exec gst-launch-1.0 genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503 \
  model=veo_3_1_fast duration=5 prompt="A boat at noon" "$@" ! decodebin name=clip \
  clip. ! queue ! videoconvert ! ${VIDEO_SINK:-autovideosink} \
  clip. ! queue ! audioconvert ! audioresample ! ${AUDIO_SINK:-autoaudiosink}
