# SPDX-License-Identifier: LGPL-2.1-or-later
"""What genprobin takes of the machine, beside the same film and a black picture without it."""
import os

from measures import Row

RASTER = "video/x-raw,format=I420,width=1920,height=1080,framerate=60/1"
SINK = "fakesink name=sink sync=true"
OUTPUT = f"width=1920 height=1080 framerate=60/1 bin.video ! {SINK} bin.audio ! fakesink sync=true"


def make_film(bench, name, width, height, seconds):
    path = os.path.join(bench.files, f"{name}.mp4")
    bench.launch("videotestsrc", "pattern=ball", f"num-buffers={60 * seconds}", "!",
                 f"video/x-raw,format=I420,width={width},height={height},framerate=60/1", "!",
                 "timeoverlay", "!", "x264enc", "speed-preset=veryfast", "bitrate=8000", "!",
                 "h264parse", "!", "mp4mux", "faststart=true", "!", "filesink", f"location={path}")
    return path


def bins(bench):
    seconds = min(bench.sizes.seconds_of_media, 20)
    rounds = min(bench.sizes.rounds, 3)
    bin_of = (f"genprobin name=bin api-base-url={bench.nginx.url}/done on-shutdown=detach "
              f"sheet-id=1 cell-id=1 agent-id=1 prompt=film")
    for name, width, height in (("film1080", 1920, 1080), ("film720", 1280, 720)):
        path = make_film(bench, name, width, height, seconds)
        peer = (f"filesrc location={path} ! decodebin ! videoconvert ! videoscale ! videorate ! "
                f"{RASTER} ! {SINK}")
        ours, theirs, dropped = [], [], 0
        for _ in range(rounds):
            run = bench.run("stream", 1, f"{bin_of} generation-id={name} at-end=eos {OUTPUT}")
            ours.append(run["cpu"])
            dropped += run["dropped"]
            theirs.append(bench.run("stream", 1, peer)["cpu"])
        # What is dropped costs nothing: with it there is nothing to compare.
        note = f", {dropped} frames dropped" if dropped else ""
        yield Row(f"genprobin, {seconds} s of {height}p60 at 1080p60: CPU time{note}", "s", ours,
                  "filesrc, decodebin, videoconvert, videoscale, videorate", theirs,
                  ratio=None if dropped else 1.05)
    ours, theirs = [], []
    for _ in range(rounds):
        waits = f"{bin_of} api-base-url={bench.nginx.url}/waiting generation-id=1 {OUTPUT}"
        ours.append(bench.run("wait", 1, 1, seconds, waits)["core"] * 100)
        black = f"videotestsrc pattern=black is-live=true ! {RASTER} ! {SINK}"
        theirs.append(bench.run("wait", 1, 1, seconds, black)["core"] * 100)
    yield Row("genprobin, its placeholder at 1080p60: CPU of a core", "%", ours,
              "videotestsrc pattern=black is-live=true", theirs, ratio=1)
