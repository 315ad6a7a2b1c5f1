#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails when what `meson install` installs is not within its prefix, or does not work from there."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

build, prefix, libdir, plugin_dir = sys.argv[1:]
prefix = pathlib.Path(prefix)
plugin_dir = prefix / (plugin_dir or f'{libdir}/gstreamer-1.0')


def below(folder, path):
    return folder / path.relative_to('/')


with tempfile.TemporaryDirectory() as root:
    root = pathlib.Path(root)
    subprocess.run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', root],
                   check=True, env=os.environ | {'LD_PRELOAD': ''})
    files = [path for path in root.rglob('*') if path.is_file()]
    within = [below(root, folder) for folder in (prefix, plugin_dir)]
    astray = [str(path) for path in files if not any(map(path.is_relative_to, within))]
    assert not astray, f'outside of the prefix {prefix}: {astray}'

    environment = os.environ | {'GST_PLUGIN_PATH': str(below(root, plugin_dir)),
                                'GST_PRESET_PATH': str(below(root, prefix) / 'share/gstreamer-1.0/presets'),
                                'GST_REGISTRY': str(root / 'registry.bin')}
    for element in ('genprosrc', 'genprobin'):
        told = subprocess.run(['gst-inspect-1.0', element], check=True, env=environment,
                              stdout=subprocess.PIPE, text=True).stdout
        assert str(root) in told, f'{element} is of another plugin:\n{told}'
        assert 'Presets:' in told, f'{element} has no presets:\n{told}'
        doc = re.search('file://(.*)', told)
        assert doc and below(root, pathlib.Path(doc[1])).is_file(), f'{element} has no documentation:\n{told}'
    for program in ('genpro', 'genpro-emulator'):
        subprocess.run([below(root, prefix) / 'bin' / program, '--help'], check=True,
                       stdout=subprocess.DEVNULL)
        manual = below(root, prefix) / f'share/man/man1/{program}.1'
        assert manual.read_text().startswith('.TH GENPRO'), f'{manual} is no manual page'
