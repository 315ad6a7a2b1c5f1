#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds Debian packages (plugin, command line, emulator) and their source package on Debian 12 or
# 13, and has lintian check them. Installs what it needs, as root. The packaging is in debian/
# beside it.
#
#   examples/package.sh [FOLDER]   FOLDER, by default the current one, receives what is built
set -eu

case "$#${1-}" in
  0 | 1[!-]*) ;;
  *)
    echo "$0: unknown arguments '$*'. Give a folder for the packages, or nothing." >&2
    exit 2
    ;;
esac
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
root=$(dirname "$here")
mkdir -p "${1:-.}"
out=$(CDPATH='' cd -- "${1:-.}" && pwd)

"$here/install-packages.sh" --package

version=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Version)
version=${version%-*}
grep -q "^  version: '$version'," "$root/meson.build" || {
  echo "examples/debian/changelog is of version $version, meson.build of another. Add an entry." >&2
  exit 1
}
upstream=gst-genpro-$version
epoch=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Timestamp)
orig=gst-genpro_$version.orig.tar.xz
cd "$out"
mkdir "$upstream" || {
  echo "The packages are built in $out/$upstream. Remove that, or give another folder." >&2
  exit 1
}
trap 'rm -rf "$out/$upstream"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# By name, so that no build folder gets in.
tar -C "$root" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
  --exclude=__pycache__ --transform="s,^,$upstream/," -cJf "$out/$orig" \
  meson.build meson_options.txt plugin src tests examples README.md LICENSE .clang-format
tar -xf "$orig"
cp -R "$here/debian" "$upstream/debian"

(cd "$upstream" && dpkg-buildpackage -us -uc) >build.log 2>&1 || {
  tail -n 100 build.log >&2
  echo "The packages could not be built. The end of $out/build.log is above." >&2
  exit 1
}
lintian --allow-root --fail-on error "gst-genpro_$version"-*.changes
ls -- *.deb
