#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds what is used and what tests it, and runs, the same on every machine:
#   - under AddressSanitizer and UndefinedBehaviorSanitizer the suites of what reads what others
#     sent, and of what lives and ends at any moment: unit, lifetime, hostile,
#   - all others as built for use: with a sanitizer a small machine is too slow for what is on the
#     air at its time; simulations in the time that the others leave,
#   - under ThreadSanitizer the suite unit,
#   - the fuzz targets, each for 20 seconds.
# The last line counts the test cases. Arguments go to `meson test` of the first two.
#
# `--deep`: all tests as built for use and again under the first two sanitizers, a minute for each
# fuzz target, a release build with GCC and one with Clang, and the benchmarks, to see that they run.
# `--platforms`: a build and the tests on another Debian; see platforms.sh.
set -eu
cd "$(dirname "$0")/.."

deep=no
beside=""
case "${1-}" in
  --deep)
    deep=yes
    shift
    ./examples/install-packages.sh --deep
    ;;
  --platforms) exec tests/platforms.sh ;;
  --beside)
    # This script's own part that goes on beside the tests, with a folder for what it has to tell.
    beside=$2
    shift 2
    ;;
  *) ./examples/install-packages.sh --tests ;;
esac
if [ "$deep" = yes ]; then
  suites=""
  export FUZZ_SECONDS="${FUZZ_SECONDS:-60}"
else
  suites="unit lifetime hostile"
  export FUZZ_SECONDS="${FUZZ_SECONDS:-20}"
fi

jobs=$(nproc)
failed=0

# build FOLDER SUITES MESON-OPTIONS…: what these suites need; everything for none. `--without` before
# them means all others.
build() {
  folder=$1
  of=$2
  shift 2
  if [ ! -d "$folder/tests" ]; then
    # Also for a folder that was set up before GoogleTest was installed.
    setup_log=$(mktemp)
    if [ -f "$folder/build.ninja" ]; then set -- --reconfigure "$@"; fi
    meson setup "$folder" -Dtests=enabled -Dwerror=true "$@" >"$setup_log" 2>&1 || {
      cat "$setup_log"
      exit 1
    }
    rm "$setup_log"
  fi
  # What the targets are, where the folder is older than they.
  ninja -C "$folder" --quiet build.ninja
  targets=all
  # shellcheck disable=SC2086 # a list of names
  [ -z "$of" ] || targets=$(tests/targets.py "$folder" $of)
  # shellcheck disable=SC2086 # a list of names
  ninja -C "$folder" -j "$jobs" --quiet $targets
}

# run_tests FOLDER AT-ONCE ARGUMENTS…
run_tests() {
  folder=$1
  at_once=$2
  shift 2
  meson test -C "$folder" --no-rebuild --num-processes "$at_once" --timeout-multiplier 4 \
    --print-errorlogs "$@"
}

# run_idle FOLDER SUITE: what has all its time in the processor, and none to keep.
run_idle() {
  meson test -C "$1" --no-rebuild --num-processes "$jobs" --wrapper "$PWD/tests/idle.sh" \
    --timeout-multiplier 20 --print-errorlogs --suite "$2" --logbase "$2"
}

if [ -n "$beside" ]; then
  # Takes what is left, and nothing else: what is on the air meanwhile has its times to keep.
  chrt --idle --pid 0 $$ || renice -n 19 -p $$ >/dev/null
  # A session may be a scheduling group of its own, with a share that does not depend on that.
  (echo 19 >/proc/self/autogroup) 2>/dev/null || true
  # Without optimization it takes a third of the time, which is more than these suites lose; others
  # would be too slow for what they time.
  optimization=0
  [ $# -gt 0 ] || optimization=1
  sanitized="-Db_lundef=false -Doptimization=$optimization -Dcpp_args=-g1"
  # With Clang, which the fuzz targets need, and which takes two thirds of GCC's time for it.
  # shellcheck disable=SC2086 # a list of options
  CXX=clang++ build build-sanitized "${*:+$* fuzz}" -Dfuzz=enabled \
    -Db_sanitize=address,undefined $sanitized
  : >"$beside/sanitized"
  # shellcheck disable=SC2086 # a list of options
  build build-tsan unit -Db_sanitize=thread $sanitized
  : >"$beside/tsan"
  if [ $# -gt 0 ]; then run_idle build simulation || failed=1; fi
  run_idle build-sanitized fuzz || failed=1
  exit "$failed"
fi

echo "Building"
# What is built for the tests alone needs no symbols, which take a part of the time.
if [ -f build/build.ninja ]; then
  build build "${suites:+--without $suites}"
else
  build build "${suites:+--without $suites}" -Ddebug=false
fi

# While tests wait, the other builds are made, and what is left of the machine goes to the simulations
# and to fuzzing. Not to other tests: a shell has signals ignored in what it runs in the background.
work=$(mktemp -d)
# A session of its own, so that it can be ended as a whole.
# shellcheck disable=SC2086 # a list of names
setsid tests/run.sh --beside "$work" $suites >"$work/log" 2>&1 &
background=$!
trap 'kill -- "-$background" 2>/dev/null || true; rm -rf "$work"' EXIT

# await_build NAME: until the background has made it.
await_build() {
  while [ ! -e "$work/$1" ]; do
    if ! kill -0 "$background" 2>/dev/null; then
      cat "$work/log"
      exit 1
    fi
    sleep 1
  done
}

echo "Running the tests, while the sanitized build is made"
(
  for suite in ${suites:+$suites simulation}; do set -- --no-suite "$suite" "$@"; done
  # Tests wait more than they compute.
  run_tests build $((2 * jobs + 1)) "$@"
) || failed=1
await_build sanitized

echo "Running the tests under AddressSanitizer and UndefinedBehaviorSanitizer"
# Leaks count, whole stacks are needed to tell whose they are, and the plugin has to be looked at
# within a program that has the sanitizers. With its own account of thread-local storage the leak
# check may crash on the threads that a test leaves to GLib's pool.
asan="abort_on_error=1:detect_stack_use_after_return=1:disable_coredump=1"
(
  export ASAN_OPTIONS="$asan:fast_unwind_on_malloc=0:intercept_tls_get_addr=0"
  export LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0"
  export UBSAN_OPTIONS="abort_on_error=1:halt_on_error=1:print_stacktrace=1"
  export G_SLICE=always-malloc GST_REGISTRY_FORK=no
  for suite in $suites; do set -- --suite "$suite" "$@"; done
  run_tests build-sanitized $((2 * jobs)) --no-suite fuzz "$@"
) || failed=1

await_build tsan
echo "Running the suite unit under ThreadSanitizer"
# A function of a library that ends in a jump to an unlock looks as if its caller had unlocked.
(
  export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp:second_deadlock_stack=1:report_mutex_bugs=0"
  run_tests build-tsan $((2 * jobs)) --suite unit
) || failed=1

echo "Waiting for the simulations and the fuzz targets"
wait "$background" || failed=1
cat "$work/log"

if [ "$deep" = yes ]; then
  echo "Making release builds"
  build build-release "" --buildtype=release || failed=1
  CXX=clang++ build build-release-clang "" --buildtype=release || failed=1
  echo "Running the benchmarks, to see that they run"
  tests/bench/run.py --quick || failed=1
fi

# Meson names a log after the wrapper as well.
# shellcheck disable=SC2086 # nothing for all suites
python3 tests/count.py build ${suites:+build:simulation-idle.sh} build-sanitized \
  build-sanitized:fuzz-idle.sh build-tsan || failed=1
exit "$failed"
