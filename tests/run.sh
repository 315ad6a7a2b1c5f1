#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds everything and runs all tests: once as built for use, once under AddressSanitizer and
# UndefinedBehaviorSanitizer. The last line counts the test cases. Arguments go to `meson test`.
set -eu
cd "$(dirname "$0")/.."

./examples/install-packages.sh --tests

jobs=$(nproc)
failed=0

# build FOLDER MESON-OPTIONS…
build() {
  folder=$1
  shift
  if [ ! -d "$folder/tests" ]; then
    # Also for a folder that was set up before GoogleTest was installed.
    log=$(mktemp)
    if [ -f "$folder/build.ninja" ]; then set -- --reconfigure "$@"; fi
    meson setup "$folder" -Dtests=enabled "$@" >"$log" 2>&1 || {
      cat "$log"
      exit 1
    }
    rm "$log"
  fi
  ninja -C "$folder" -j "$jobs" --quiet
}

echo "Building"
build build
build build-sanitized -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
  -Dcpp_args=-g1

echo "Running the tests"
meson test -C build --no-rebuild --num-processes "$jobs" --print-errorlogs "$@" || failed=1

echo "Running the tests once more under AddressSanitizer and UndefinedBehaviorSanitizer"
# Leaks count, whole stacks are needed to tell whose they are, and the plugin has to be looked at
# within a program that has the sanitizers. With its own account of thread-local storage the leak
# check of GCC 12 may crash on the threads that a test leaves to GLib's pool.
asan="abort_on_error=1:detect_stack_use_after_return=1:disable_coredump=1"
ASAN_OPTIONS="$asan:fast_unwind_on_malloc=0:intercept_tls_get_addr=0" \
LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0" \
UBSAN_OPTIONS="abort_on_error=1:halt_on_error=1:print_stacktrace=1" \
G_SLICE=always-malloc GST_REGISTRY_FORK=no \
  meson test -C build-sanitized --no-rebuild --num-processes "$jobs" --print-errorlogs \
  --timeout-multiplier 4 "$@" || failed=1

python3 tests/count.py build build-sanitized || failed=1
exit "$failed"
