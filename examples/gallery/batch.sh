#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes a clip for each of the eight rows of batch.csv, four at a time. Interrupted, it goes on where it was.
#   examples/on-emulator.sh examples/gallery/batch.sh [FOLDER [OPTION…]]
set -eu
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
folder=${1-clips}
[ $# -eq 0 ] || shift

exec genpro batch "$here/batch.csv" --jobs 4 --out "$folder" --sheet-id 101 --cell-id 3300 \
  --agent-id 42 --model pika --duration 2 "$@"
