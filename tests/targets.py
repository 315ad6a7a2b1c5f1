#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names what the tests of some suites need: targets.py FOLDER SUITE... prints Ninja's targets.

targets.py FOLDER --without SUITE... prints those of all other tests.
"""
import json
import pathlib
import subprocess
import sys


def introspect(folder, what):
    command = ["meson", "introspect", what, folder]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


folder, *suites = sys.argv[1:]
is_without = suites[:1] == ["--without"]
root = pathlib.Path(folder).resolve()
files = {target["id"]: target["filename"] for target in introspect(folder, "--targets")}
needed = set()
for test in introspect(folder, "--tests"):
    # Meson names a suite project:suite.
    if any(suite.split(":")[-1] in suites for suite in test["suite"]) != is_without:
        needed.update(name for target in test["depends"] for name in files[target])
print(*sorted(str(pathlib.Path(name).relative_to(root)) for name in needed))
