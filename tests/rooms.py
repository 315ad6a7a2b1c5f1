#!/usr/bin/env python3
"""Fails when a file of src/ or plugin/ includes one of a room that is not below its own."""
import pathlib
import re
import sys

# From the top down. Rooms of one floor do not include each other.
FLOORS = """
plugin
plugin/bin
plugin/source
plugin/bin/playout
plugin/bin/output
plugin/bin/media
plugin/common
src/cli/archive src/cli/batch src/cli/serve src/cli/service src/emulator
src/cli/metrics
src/cli/clip src/cli/ledger
src/cli src/emulator/app
src/emulator/page
src/emulator/api
src/emulator/domain
src/emulator/store src/emulator/faults src/emulator/media
src/emulator/http src/emulator/media/render
src/emulator/util
src/settings
src/job
src/assets
src/ledger/reports
src/ledger
src/ledger/file src/ledger/postgresql
src/ledger/store
src/ledger/identity
src/payment src/polling
src/clip src/api/prices src/api/resources
src/clip/storage
src/api
src/http
src/archive src/gst
src/base/threads src/base/web
src/base src/catalogue
"""
FLOOR_OF = {room: number for number, line in enumerate(FLOORS.split('\n')) for room in line.split()}
# The stand-in reads the wire with its own eyes, so that one mistake cannot hide another.
FORBIDDEN = {('src/emulator', 'src/api')}

ROOT = pathlib.Path(__file__).resolve().parent.parent


def room_of(path):
    folder = path.parent
    while str(folder) not in FLOOR_OF:
        if folder == folder.parent:
            return None
        folder = folder.parent
    return str(folder)


def target_of(including, name):
    for folder in ('src', 'plugin', including.parent):
        if (ROOT / folder / name).is_file():
            return pathlib.Path(folder) / name
    return None  # generated, or a system's


def problems():
    for path in sorted(p for top in ('src', 'plugin') for p in (ROOT / top).rglob('*')):
        if path.suffix not in ('.h', '.cpp', '.in'):
            continue
        file = path.relative_to(ROOT)
        room = room_of(file)
        if room is None:
            yield f'{file}: its folder is on no floor; add it to tests/rooms.py'
            continue
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE):
            target = target_of(file, name)
            if target is None:
                continue
            below = room_of(target)
            if below is None or (below != room and FLOOR_OF[below] <= FLOOR_OF[room]):
                yield f'{file} includes {target}: {below} is not below {room}'
            elif any(room.startswith(a) and below.startswith(b) for a, b in FORBIDDEN):
                yield f'{file} includes {target}: {room} shares no code with {below}'


found = list(problems())
print('\n'.join(found) or 'All includes point down.')
sys.exit(1 if found else 0)
