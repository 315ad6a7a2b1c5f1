#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   run.sh PROGRAM CORPUS
#
# Runs a fuzz target on its seeds and on what it makes of them for FUZZ_SECONDS seconds (60 when it
# is not set). What it finds on the way is thrown away, but for an input that broke something: that
# one is kept, and the way to try it again is told.
set -eu

program=$1
corpus=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$(dirname "$program")/found
mkdir -p "$found"

# GLib's own pools would hide from the sanitizer what is used after it was given back.
export G_SLICE=always-malloc
export ASAN_OPTIONS="detect_stack_use_after_return=1:disable_coredump=1"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
"$program" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=30 -rss_limit_mb=1024 \
  -print_final_stats=1 -verbosity=0 -artifact_prefix="$found/$(basename "$program")-" \
  "$work" "$corpus" && exit 0
echo "An input broke $(basename "$program"). To try it again: $program FILE, where FILE is in $found" >&2
exit 1
