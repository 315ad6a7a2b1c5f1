#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures genprosrc beside souphttpsrc, curl and downloading first, genpro upload beside curl, and
genprobin beside what it is made of, in turns, and prints a table.

    tests/bench/run.py [--quick] [--build FOLDER] [NAME…]

NAME is streaming, first-frame, requests, null, waiting, many, polling, uploads or bins; all of them
when none is given. --quick does so little of everything that the figures say nothing, to see that it
runs. A ratio is ours to the peer's, of the values that were taken one after the other: below 1,
ours takes less. The exit status tells whether everything ran, not how fast it was.
"""
import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

# What is compiled would lie in the repository.
sys.dont_write_bytecode = True
import bins  # noqa: E402
import measures  # noqa: E402
import servers  # noqa: E402
import uploads  # noqa: E402

ALL = dict(measures.ALL, uploads=uploads.uploads, bins=bins.bins)


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    version = subprocess.run(["gst-launch-1.0", "--version"], capture_output=True, text=True,
                             check=False).stdout.split("\n")[1:2]
    load = os.getloadavg()[0]
    return (f"{datetime.date.today()}, {len(os.sched_getaffinity(0))} cores of {model}, Linux "
            f"{platform.release()}, {' '.join(version)}, load at the start {load:.1f}")


def goal_of(row, ratio):
    """What is to be reached, and whether it is."""
    if row.most is not None:
        bound = f"≤ {row.most:.{row.digits}f} {row.unit}".strip()
        return f"{bound} " + ("✓" if statistics.median(row.ours) <= row.most else "✗")
    if row.ratio is not None:
        return f"ratio ≤ {row.ratio:g} " + ("✓" if ratio <= row.ratio else "✗")
    return ""


def print_row(row):
    ratios = row.ratios()
    middle = statistics.median(ratios)
    spread = f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""
    ours, theirs = (f"{statistics.median(values):.{row.digits}f} {row.unit}".strip()
                    for values in (row.ours, row.theirs))
    print(f"| {row.what} | {ours} | {row.peer}: {theirs} | {middle:.2f}{spread} "
          f"| {goal_of(row, middle)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", default="build")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    unknown = set(options.names) - set(ALL)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    build = os.path.abspath(options.build)
    names = options.names or list(ALL)

    work = tempfile.mkdtemp(prefix="genpro-bench-")
    failures = 0
    opened = []
    try:
        bench = measures.Bench(build, work, measures.QUICK if options.quick else measures.FULL)
        if not os.path.exists(bench.program):
            sys.exit(f"{bench.program} is missing. Build with `meson setup -Dtests=enabled "
                     f"{options.build} && ninja -C {options.build}`.")
        # "large" is what several of them read.
        measures.make_sparse_clip(os.path.join(bench.files, "large.mp4"), bench.sizes.large)
        bench.silent = servers.SilentServer()
        opened.append(bench.silent)
        bench.paced = servers.PacedServer(bench.files, 20e6)
        opened.append(bench.paced)
        paced = bench.paced.url
        bench.nginx = servers.Nginx(bench.files, work, {
            "silent": f"{bench.silent.url}/clip.mp4",
            "slow": f"{paced}/large.mp4",
            "stall": f"{paced}/large.mp4?stall=100000",
            "start_paced": f"{paced}/start.mp4",
            "end_paced": f"{paced}/end.mp4",
            "mixed_paced": f"{paced}/mixed.mp4"})
        opened.append(bench.nginx)
        # GStreamer looks for its plugins once, not while something is measured.
        bench.launch("fakesrc", "num-buffers=1", "!", "fakesink")

        print(f"{machine()}{', quick: the figures say nothing' if options.quick else ''}\n")
        print("| | genprosrc | peer | ratio: median (least–most) | goal |")
        print("|---|---|---|---|---|", flush=True)
        for name in names:
            try:
                for row in ALL[name](bench):
                    print_row(row)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                failures += 1
                print(f"{name} failed: {error}", file=sys.stderr, flush=True)
    finally:
        for server in reversed(opened):
            server.close()
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
