#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs what the project needs on Debian 12 or 13, by name. Does nothing, quickly, when all is
# there.
#
#   examples/install-packages.sh              to build and to run
#   examples/install-packages.sh --tests      to run the tests as well
#   examples/install-packages.sh --deep       also for the benchmarks
#   examples/install-packages.sh --platforms  to run the tests on another Debian
#   examples/install-packages.sh --package    to make Debian packages
set -eu

build="g++ meson ninja-build pkg-config libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  libebur128-dev libges-1.0-dev libpango1.0-dev libsoup-3.0-dev libjson-glib-dev libsqlite3-dev
  libpq-dev nettle-dev"
run="ca-certificates glib-networking libpq5 gstreamer1.0-tools gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  gstreamer1.0-plugins-base-apps ges1.0-tools fonts-dejavu-core
  python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 xlsx2csv"
# Clang, its runtime and LLVM's symbolizer are for the sanitized build and the fuzz targets; Chromium
# and its driver try the emulator's page; prometheus has promtool, which reads what genpro metrics prints.
tests="libgtest-dev libgmock-dev curl python3-minimal python3-jsonschema chromium chromium-driver clang libclang-rt-dev
  llvm postgresql prometheus"
# What the benchmarks read from, and compare with.
deep="nginx openssl"

packages="$build $run"
case "${1-}" in
  --tests) packages="$packages $tests" ;;
  --deep) packages="$packages $tests $deep" ;;
  --platforms) packages="debootstrap git" ;;
  --package) packages="$build build-essential debhelper dpkg-dev lintian gstreamer1.0-tools" ;;
  "") ;;
  *)
    echo "$0: unknown argument '$1'. Use --tests, --deep, --platforms, --package or nothing." >&2
    exit 2
    ;;
esac

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "These packages are missing:$missing" >&2
  echo "Install them as root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# nginx, postgresql and prometheus are wanted as programs. Without this, their packages also start them
# as services; they may begin with the next boot, unless `systemctl disable` says otherwise.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
