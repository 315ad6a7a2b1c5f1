# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured, of whom. Each function yields the rows of one benchmark, see Row."""
import concurrent.futures
import dataclasses
import json
import os
import statistics
import subprocess
import time

MIB = 1024 * 1024


@dataclasses.dataclass
class Row:
    """One line of the table. `ours` and `theirs` hold one value a round, taken in turns."""

    what: str
    unit: str
    ours: list
    peer: str
    theirs: list
    ratio: float = None  # the goal for the ratio: at most that
    most: float = None  # the goal for ours, in its unit
    digits: int = 2

    def ratios(self):
        return [a / b if b else float("inf") for a, b in zip(self.ours, self.theirs)]


@dataclasses.dataclass
class Sizes:
    """How much is done; the quick ones only show that it can be done."""

    rounds: int
    large: int  # bytes, of the clip that is streamed whole
    small: int  # bytes, of the one that its memory is compared with
    many_clip: int  # bytes, of each clip that is streamed beside others
    many: int
    seconds_of_media: int
    nulls: int
    waiting: int
    after: float  # seconds from when on they are looked at
    seconds: float  # for as long, what ours take of a core
    histories: int  # of durations, that polling is simulated with
    polling: int  # generations that are really polled
    median: float  # seconds that those take


FULL = Sizes(7, 1024 * MIB, 256 * MIB, 64 * MIB, 50, 60, 150, 500, 10, 60, 100, 40, 77)
QUICK = Sizes(1, 64 * MIB, 16 * MIB, 2 * MIB, 5, 2, 2, 20, 0.5, 0.5, 2, 2, 2)


class Bench:
    """Where everything is, and how a program is run."""

    def __init__(self, build, work, sizes):
        self.program = os.path.join(build, "tests", "bench", "bench_pipelines")
        self.poll_program = os.path.join(build, "tests", "bench", "poll_simulation")
        self.build = build
        self.work = work
        self.files = os.path.join(work, "files")
        self.sizes = sizes
        self.environment = dict(
            os.environ,
            GST_PLUGIN_PATH=os.path.join(build, "plugin"),
            GST_REGISTRY=os.path.join(work, "registry.bin"),
            XDG_STATE_HOME=os.path.join(work, "state"),
            GEN_API_KEY="bench_key")
        for name in ("http_proxy", "GEN_API_BASE_URL", "GST_DEBUG"):
            self.environment.pop(name, None)
        os.mkdir(self.files)
        self.nginx = self.paced = self.silent = None

    def ours(self, generation, api="done", more=""):
        base = api if "://" in api else f"{self.nginx.url}/{api}"
        return (f"genprosrc api-base-url={base} generation-id={generation} on-shutdown=detach "
                + more)

    def run(self, *arguments):
        return self.run_program(self.program, *arguments)

    def run_program(self, program, *arguments):
        ended = subprocess.run([program, *map(str, arguments)], env=self.environment,
                               capture_output=True, text=True, timeout=1800, check=False)
        if ended.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, arguments))}: ended with "
                               f"{ended.returncode}. {ended.stderr.strip()}")
        return json.loads(ended.stdout)

    def curl(self, url, target="/dev/null"):
        return self.timed("curl", "-sSf", "-o", target, url)

    def timed(self, *command):
        """Wall and CPU seconds, peak memory of all of the process."""
        begun = time.monotonic()
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command[:4])} ended with {process.returncode}")
        return {"wall": time.monotonic() - begun, "cpu": used.ru_utime + used.ru_stime,
                "peak": used.ru_maxrss * 1024}

    def launch(self, *description):
        subprocess.run(["gst-launch-1.0", "-q", *description], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)


def make_sparse_clip(path, size):
    """A file type box and one of media data that takes the rest; zeros, which take no disk."""
    with open(path, "wb") as file:
        file.write(b"\0\0\0\x14ftypisom\0\0\2\0isom")
        file.write(b"\0\0\0\1mdat" + (size - 20).to_bytes(8, "big"))
        file.truncate(size)


def make_media(bench):
    """The same film with its index at the end and at the start: 200 MB a minute."""
    end = os.path.join(bench.files, "end.mp4")
    start = os.path.join(bench.files, "start.mp4")
    frames = str(24 * bench.sizes.seconds_of_media)
    bench.launch("videotestsrc", "pattern=snow", f"num-buffers={frames}", "!",
                 "video/x-raw,width=1280,height=720,framerate=24/1", "!", "x264enc",
                 "speed-preset=ultrafast", "pass=cbr", "bitrate=27000", "!", "h264parse", "!",
                 "mp4mux", "!", "filesink", f"location={end}")
    bench.launch("filesrc", f"location={end}", "!", "qtdemux", "!", "h264parse", "!", "mp4mux",
                 "faststart=true", "!", "filesink", f"location={start}")


def streaming(bench):
    sizes = bench.sizes
    make_sparse_clip(os.path.join(bench.files, "large.mp4"), sizes.large)
    make_sparse_clip(os.path.join(bench.files, "small.mp4"), sizes.small)
    sink = "! fakesink name=sink"
    taken = {name: [] for name in ("ours", "soup", "curl", "small")}
    url = f"{bench.nginx.url}/large.mp4"
    # Whoever came first would wait for the disk.
    bench.curl(url)
    for _ in range(sizes.rounds):
        taken["ours"].append(bench.run("stream", 1, bench.ours("large") + sink))
        taken["soup"].append(bench.run("stream", 1, f"souphttpsrc location={url} {sink}"))
        taken["curl"].append(bench.curl(url))
        taken["small"].append(bench.run("stream", 1, bench.ours("small") + sink))
    for run in taken["ours"] + taken["soup"]:
        if run["bytes"] != sizes.large:
            raise RuntimeError(f"{run['bytes']} bytes came of {sizes.large}")

    def of(name, key, scale=1.0):
        return [run[key] * scale for run in taken[name]]

    title = f"{sizes.large // MIB} MiB from nginx"
    yield Row(f"{title}: wall time", "s", of("ours", "wall"), "souphttpsrc", of("soup", "wall"), ratio=1)
    yield Row(f"{title}: CPU time", "s", of("ours", "cpu"), "souphttpsrc", of("soup", "cpu"), ratio=1)
    yield Row(f"{title}: wall time", "s", of("ours", "wall"), "curl", of("curl", "wall"))
    yield Row(f"{title}: CPU time", "s", of("ours", "cpu"), "curl", of("curl", "cpu"))
    mib = 1 / MIB
    yield Row(f"{title}: peak memory", "MiB", of("ours", "peak", mib), "souphttpsrc",
              of("soup", "peak", mib), most=statistics.median(of("soup", "peak", mib)) + 8,
              digits=1)
    yield Row("Peak memory does not grow with the clip", "MiB", of("ours", "peak", mib),
              f"{sizes.small // MIB} MiB", of("small", "peak", mib), ratio=1.05, digits=1)


def first_frame(bench):
    make_media(bench)
    decode = "! decodebin ! fakesink name=sink"
    for place in ("start", "end"):
        url = f"{bench.paced.url}/{place}.mp4"
        size = os.path.getsize(os.path.join(bench.files, f"{place}.mp4"))
        ours, soup, after = [], [], []
        for _ in range(min(bench.sizes.rounds, 3)):
            ours.append(bench.run("first-frame", bench.ours(place + "_paced") + decode)["seconds"])
            soup.append(bench.run("first-frame", f"souphttpsrc location={url} {decode}")["seconds"])
            target = os.path.join(bench.work, "download.mp4")
            loaded = bench.curl(url, target)["wall"]
            played = bench.run("first-frame", f"filesrc location={target} {decode}")["seconds"]
            after.append(loaded + played)
            os.remove(target)
        title = f"First frame of {size / 1e6:.0f} MB at 20 MB/s, moov at the {place}"
        yield Row(title, "s", ours, "download, then play", after, ratio=0.1, digits=3)
        yield Row(title, "s", ours, "souphttpsrc", soup, digits=3)


def requests(bench):
    # Sound and pictures in pieces of half a second, and of four: what programs write, and worse.
    for title, interleave in (("well interleaved", 500), ("badly interleaved", 4000)):
        mixed = os.path.join(bench.files, "mixed.mp4")
        count = 24 * max(bench.sizes.seconds_of_media // 3, 2)
        bench.launch("videotestsrc", "pattern=snow", f"num-buffers={count}", "!",
                     "video/x-raw,width=1280,height=720,framerate=24/1", "!", "x264enc",
                     "speed-preset=ultrafast", "pass=cbr", "bitrate=10000", "!", "h264parse", "!",
                     "queue", "!", "mp4mux", "name=mux", "faststart=false",
                     f"interleave-time={interleave * 1000000}", "!", "filesink", f"location={mixed}",
                     "audiotestsrc", "samplesperbuffer=2000", f"num-buffers={count}", "!",
                     "audio/x-raw,rate=48000", "!", "avenc_aac", "!", "aacparse", "!", "queue", "!",
                     "mux.")
        # What is pushed in pieces of four seconds takes queues without a limit.
        queue = "queue max-size-bytes=0 max-size-buffers=0 max-size-time=0"
        demux = (f"! qtdemux name=d d.video_0 ! {queue} ! fakesink name=sink "
                 f"d.audio_0 ! {queue} ! fakesink")
        taken = []
        for source in (bench.ours("mixed_paced"), f"souphttpsrc location={bench.paced.url}/mixed.mp4"):
            bench.paced.requests.clear()
            bench.run("stream", 1, f"{source} {demux}")
            taken.append([bench.paced.requests["/mixed.mp4"]])
        size = os.path.getsize(mixed) / 1e6
        yield Row(f"{size:.0f} MB, {title}, moov at the end: requests", "", taken[0], "souphttpsrc",
                  taken[1], most=3 if interleave == 500 else None, digits=0)


def cancelling(bench):
    silent, slow = bench.silent.url, f"{bench.paced.url}/large.mp4"
    sink = "! fakesink name=sink"
    # What ours is doing, its description, and where the peer reads from at that time.
    cases = [
        ("the API does not answer", "playing", bench.ours("1", silent), silent),
        ("the TLS handshake does not end", "playing", bench.ours("1", bench.silent.tls_url),
         bench.silent.tls_url),
        ("the generation goes on", "playing", bench.ours("1", "waiting"), silent),
        ("the clip's server does not answer", "playing", bench.ours("silent"), silent),
        ("the clip comes slowly", "playing", bench.ours("slow"), slow),
        ("the clip stalls", "playing", bench.ours("stall"), f"{slow}?stall=100000"),
        ("the clip comes fast", "playing", bench.ours("large"), f"{bench.nginx.url}/large.mp4"),
        ("seeking", "seeking", bench.ours("large"), f"{bench.nginx.url}/large.mp4"),
        ("seeking, the clip comes slowly", "seeking", bench.ours("slow"), slow),
        ("paused", "paused", bench.ours("large"), f"{bench.nginx.url}/large.mp4"),
        ("being started", "starting", bench.ours("large"), f"{bench.nginx.url}/large.mp4"),
    ]
    count = bench.sizes.nulls
    for title, state, ours, url in cases:
        wait = 0 if state == "starting" else 60
        own, other = [], []
        # In slices, so that both see the same machine.
        for part in range(3):
            number = (count + 2 - part) // 3
            if number == 0:
                continue
            own += bench.run("null", state, wait, number, ours + sink)["milliseconds"]
            other += bench.run("null", state, wait, number,
                               f"souphttpsrc location={url} {sink}")["milliseconds"]
        yield Row(f"NULL, {title}: 99th percentile", "ms", [percentile(own, 99)], "souphttpsrc",
                  [percentile(other, 99)], most=20)


def percentile(values, rank):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * rank / 100))]


def waiting(bench):
    sizes = bench.sizes
    sink = "! fakesink name=sink"
    ours, soup, fake = [], [], []
    for _ in range(min(sizes.rounds, 2)):
        for taken, source in (
                (ours, bench.ours("g%d", "waiting")),
                # Its own time-out would be an error while it is looked at.
                (soup, f"souphttpsrc timeout=300 location={bench.silent.url}/%d"),
                (fake, "fakesrc datarate=1 sizetype=fixed sizemax=1000 format=time")):
            sync = "sync=true" if taken is fake else ""
            time = sizes.seconds if taken is ours else sizes.seconds / 10
            taken.append(bench.run("wait", sizes.waiting, sizes.after, time,
                                   f"{source} {sink} {sync}"))

    def of(taken, key, scale=1.0):
        return [run[key] * scale for run in taken]

    title = f"{sizes.waiting} waiting"
    kib = 1 / 1024
    yield Row(f"{title}: memory each", "KiB", of(ours, "resident", kib), "souphttpsrc",
              of(soup, "resident", kib), most=80, digits=1)
    yield Row(f"{title}: memory each", "KiB", of(ours, "resident", kib), "fakesrc",
              of(fake, "resident", kib), digits=1)
    # Beside the streaming threads: the runtime's, the ledger's and GLib's own.
    yield Row(f"{title}: threads", "", of(ours, "threads"), "souphttpsrc", of(soup, "threads"),
              most=sizes.waiting + 3, digits=0)
    yield Row(f"{title}: sockets", "", of(ours, "sockets"), "souphttpsrc", of(soup, "sockets"),
              most=8, digits=0)
    # The peer asks nobody for anything meanwhile.
    yield Row(f"{title}: CPU of a core", "%", of(ours, "core", 100), "souphttpsrc",
              of(soup, "core", 100), most=3)


def many(bench):
    sizes = bench.sizes
    make_sparse_clip(os.path.join(bench.files, "many.mp4"), sizes.many_clip)
    make_sparse_clip(os.path.join(bench.files, "whole.mp4"), sizes.many_clip * sizes.many)
    sink = "! fakesink name=sink"
    url = f"{bench.nginx.url}/many.mp4"
    # As above: whoever came first would wait for the disk.
    bench.curl(url)
    bench.curl(f"{bench.nginx.url}/whole.mp4")
    ours, one, soup = [], [], []
    for _ in range(min(sizes.rounds, 5)):
        ours.append(bench.run("stream", sizes.many, bench.ours("many") + sink))
        one.append(bench.run("stream", 1, bench.ours("whole") + sink))
        soup.append(bench.run("stream", sizes.many, f"souphttpsrc location={url} {sink}"))

    def of(taken, key):
        return [run[key] for run in taken]

    title = f"{sizes.many} streaming {sizes.many_clip // MIB} MiB each"
    yield Row(f"{title}: wall time", "s", of(ours, "wall"), "one with all of it", of(one, "wall"), ratio=1)
    yield Row(f"{title}: wall time", "s", of(ours, "wall"), "souphttpsrc", of(soup, "wall"))
    yield Row(f"{title}: CPU time", "s", of(ours, "cpu"), "souphttpsrc", of(soup, "cpu"))
    # Inverted, so that less is better here too.
    ahead = [[1 / max(run["fairness"], 1e-3) for run in taken] for taken in (ours, soup)]
    yield Row(f"{title}: the fastest to the slowest", "×", ahead[0], "souphttpsrc", ahead[1])


def polling(bench):
    sizes = bench.sizes
    # What is seen before, and the goals for the ratios of requests, delay and product.
    cases = [(0.2, 20, 1, 0.45, None), (0.69, 20, None, None, 1), (0.2, 0, None, 1, 1.15),
             (0.69, 0, None, 1, 1.15)]
    for log_sigma, seen, *goals in cases:
        results = [bench.run_program(bench.poll_program, "simulated", log_sigma, seen,
                                     sizes.histories, 40, seed + 1)
                   for seed in range(min(sizes.rounds, 5))]
        costs = [[(of["requests"], of["delay"], of["requests"] * of["delay"])
                  for of in (result["ours"], result["fixed"])] for result in results]
        title = f"Polling, log-sigma {log_sigma}, {seen or 'none'} seen"
        for place, (name, unit) in enumerate((("requests", ""), ("mean delay", "s"),
                                              ("product", "s"))):
            least = f" (the least is {results[0]['least']:.2f})" if place == 2 else ""
            yield Row(f"{title}: {name}{least}", unit, [ours[place] for ours, _ in costs],
                      "every 2 s", [fixed[place] for _, fixed in costs], ratio=goals[place])
    for log_sigma, seen in ((0.2, 19), (0.69, 19), (0.2, 3), (0.69, 3)):
        told = [bench.run_program(bench.poll_program, "forecast", log_sigma, seen, seed + 1)
                for seed in range(min(sizes.rounds, 5))]
        yield Row(f"Later than the 90th percentile, log-sigma {log_sigma}, {seen} seen", "%",
                  [100 * (1 - share["at-start"]) for share in told], "what it should be",
                  [10] * len(told))
    # Both at the same time, as most of it is waiting.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        spreads = (0.2, 0.69)
        runs = [pool.submit(bench.run_program, bench.poll_program, "real", log_sigma, sizes.median,
                            sizes.polling, 1) for log_sigma in spreads]
    for log_sigma, run in zip(spreads, runs):
        real, simulated = run.result()["real"], run.result()["simulated"]
        title = f"{sizes.polling} polled in earnest, log-sigma {log_sigma}, 20 seen"
        for name, key, unit in (("requests", "requests", ""), ("mean delay", "delay", "s")):
            yield Row(f"{title}: {name}", unit, [real[key]], "the same simulated",
                      [simulated[key]])


ALL = {"streaming": streaming, "first-frame": first_frame, "requests": requests, "null": cancelling,
       "waiting": waiting, "many": many, "polling": polling}
