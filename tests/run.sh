#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds everything and runs all tests: once as built for use, once under AddressSanitizer and
# UndefinedBehaviorSanitizer. The last line counts the test cases. Arguments go to `meson test`.
#
# With --deep as the only argument also: what can be under ThreadSanitizer, the fuzz targets for
# FUZZ_SECONDS each (60 when it is not set), and the benchmarks to see that they run.
set -eu
cd "$(dirname "$0")/.."

deep=no
if [ "${1-}" = --deep ]; then
  deep=yes
  shift
fi

if [ "$deep" = yes ]; then
  ./examples/install-packages.sh --deep
else
  ./examples/install-packages.sh --tests
fi

jobs=$(nproc)
# Tests wait more than they compute.
at_once=$((jobs + 2))
failed=0

# build FOLDER TARGET MESON-OPTIONS…
build() {
  folder=$1
  target=$2
  shift 2
  if [ ! -d "$folder/tests" ]; then
    # Also for a folder that was set up before GoogleTest was installed.
    setup_log=$(mktemp)
    if [ -f "$folder/build.ninja" ]; then set -- --reconfigure "$@"; fi
    meson setup "$folder" -Dtests=enabled "$@" >"$setup_log" 2>&1 || {
      cat "$setup_log"
      exit 1
    }
    rm "$setup_log"
  fi
  ninja -C "$folder" -j "$jobs" --quiet "$target"
}

echo "Building"
build build all
build build-sanitized all -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
  -Dcpp_args=-g1 &
building=$!
trap 'kill "$building" 2>/dev/null || true' EXIT

# Most of the time these tests wait. Not they but the build is in the background, where a shell has
# signals ignored.
echo "Running the tests, while the sanitized build is made"
meson test -C build --no-rebuild --num-processes "$at_once" --print-errorlogs "$@" || failed=1
wait "$building"
trap - EXIT
folders="build build-sanitized"

if [ "$deep" = yes ]; then
  build build-tsan unit -Db_sanitize=thread -Db_lundef=false -Doptimization=1 -Dcpp_args=-g1
  (
    export CXX=clang++
    build build-fuzz fuzz -Dfuzz=enabled -Db_sanitize=address,undefined -Db_lundef=false \
      -Doptimization=1 -Dcpp_args=-g1
  )
  folders="$folders build-tsan build-fuzz"
  # The tests wait most of the time. What they leave of the machine goes to the fuzz targets.
  echo "Fuzzing in the background"
  fuzz_log=$(mktemp)
  nice -n 19 meson test -C build-fuzz --no-rebuild --num-processes 2 --print-errorlogs \
    >"$fuzz_log" 2>&1 &
  fuzzing=$!
  trap 'kill "$fuzzing" 2>/dev/null || true; rm -f "$fuzz_log"' EXIT
fi

echo "Running the tests once more under AddressSanitizer and UndefinedBehaviorSanitizer"
# Leaks count, whole stacks are needed to tell whose they are, and the plugin has to be looked at
# within a program that has the sanitizers. With its own account of thread-local storage the leak
# check of GCC 12 may crash on the threads that a test leaves to GLib's pool.
asan="abort_on_error=1:detect_stack_use_after_return=1:disable_coredump=1"
ASAN_OPTIONS="$asan:fast_unwind_on_malloc=0:intercept_tls_get_addr=0" \
LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0" \
UBSAN_OPTIONS="abort_on_error=1:halt_on_error=1:print_stacktrace=1" \
G_SLICE=always-malloc GST_REGISTRY_FORK=no \
  meson test -C build-sanitized --no-rebuild --num-processes "$at_once" --print-errorlogs \
  --timeout-multiplier 4 "$@" || failed=1

if [ "$deep" = yes ]; then
  echo "Running what can be under ThreadSanitizer"
  TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp:second_deadlock_stack=1" \
    meson test -C build-tsan --no-rebuild --num-processes "$jobs" --print-errorlogs --suite unit \
    --timeout-multiplier 4 || failed=1

  echo "Waiting for the fuzz targets"
  wait "$fuzzing" || failed=1
  trap 'rm -f "$fuzz_log"' EXIT
  cat "$fuzz_log"

  echo "Running the benchmarks, to see that they run"
  tests/bench/run.py --quick || failed=1
fi

# shellcheck disable=SC2086 # a list of folders
python3 tests/count.py $folders || failed=1
exit "$failed"
