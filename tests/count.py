#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the test cases of the last run in each of the given build folders.

FOLDER:NAME is the run of `meson test --logbase NAME` there.

A program that ended badly without a failed case (a crash, a time-out, a leak) counts as one failed
case, so that nothing that went wrong is missing from the sum.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(log):
    """Name of each program to its numbers of passed, failed and skipped cases."""
    counts = {}
    for suite in ElementTree.parse(log).getroot().iter("testsuite"):
        passed = failed = skipped = 0
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
        counts[suite.get("name")] = (passed, failed, skipped)
    return counts


def results_of(log):
    """Name of each program to its result, and to its cases."""
    results = {}
    for line in pathlib.Path(f"{log}.json").read_text().splitlines():
        run = json.loads(line)
        results[run["name"].split(" / ")[-1].strip()] = run["result"]
    return results, cases_of(f"{log}.junit.xml")


def is_broken(result):
    return result not in ("OK", "SKIP", "EXPECTEDFAIL")


def main(runs):
    total = [0, 0, 0]
    for run in runs:
        folder, _, name = run.partition(":")
        log = pathlib.Path(folder) / "meson-logs" / (name or "testlog")
        if not pathlib.Path(f"{log}.json").exists():
            print(f"{run}: no test was run")
            total[1] += 1
            continue
        results, cases = results_of(log)
        broken = 0
        for program, result in results.items():
            if is_broken(result):
                broken += 1
                print(f"{run}: {program}: {result}")
        sums = [sum(column) for column in zip(*cases.values())] or [0, 0, 0]
        sums[1] = max(sums[1], broken)
        total = [a + b for a, b in zip(total, sums)]
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
