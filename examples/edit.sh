#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A timeline of GStreamer Editing Services with a clip between two files, rendered into a file. The
# editor opens the clip by its URI, three times, which is paid for once.
#
#   examples/on-emulator.sh examples/edit.sh [FILE.mkv [BEFORE AFTER [URI]]]
#
# BEFORE and AFTER are files, by default one that the emulator has as an ingredient; URI is a genpro
# URI, by default that of the recipe boat.genpro. ges-launch-1.0 takes no `?` in one.
set -eu

here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
file=${1-edit.mkv}
before=${2-$INGREDIENTS/clip.mp4}
after=${3-$INGREDIENTS/clip.mp4}
uri=${4-genpro://$here/boat.genpro}

exec ges-launch-1.0 +clip "$before" duration=1.0 +clip "$uri" +clip "$after" duration=1.0 \
  --outputuri "$file" --format video/x-matroska:video/x-h264:audio/x-vorbis
