# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads by `genpro upload`, to a server that takes whatever comes and keeps none of it."""
import http.server
import itertools
import json
import os

from measures import MIB, Row, make_sparse_clip
from servers import Server

FILES = 200


class UploadServer(Server):
    """The part of the API that uploads need, and the storage that files are put to."""

    def __init__(self):
        ids = itertools.count(501)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer in one piece, which no client acknowledges late.
            wbufsize = -1

            def log_message(self, *_):
                pass

            def take_body(self):
                left = int(self.headers.get("Content-Length", 0))
                block = memoryview(bytearray(MIB))
                while left > 0:
                    taken = self.rfile.readinto(block[:min(left, MIB)])
                    if not taken:
                        raise ConnectionError
                    left -= taken

            def answer(self, status, value=None):
                body = json.dumps(value).encode() if value is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_expect_100(self):
                super().handle_expect_100()
                # curl waits for it, for a second.
                self.wfile.flush()
                return True

            def do_PUT(self):
                self.take_body()
                self.answer(200)

            def do_POST(self):
                self.take_body()
                if self.path.startswith("/direct_upload"):
                    url = f"http://127.0.0.1:{self.server.server_port}/put"
                    self.answer(200, {"signed_id": "s", "direct_upload": {"url": url, "headers": {}}})
                else:
                    self.answer(201, {"content_resource": {"id": next(ids), "url": "", "file_name": "f",
                                                           "content_type": "video/mp4"}})

            def do_GET(self):
                self.answer(200, {"id": int(self.path.rpartition("/")[2].partition("?")[0]),
                                  "content_type": "video/mp4"})

        super().__init__(Handler)


def uploads(bench):
    server = UploadServer()
    try:
        yield from measure(bench, server)
    finally:
        server.close()


def measure(bench, server):
    genpro = os.path.join(bench.build, "src", "cli", "genpro")

    def upload(ledger, *files):
        return bench.timed(genpro, "upload", "--api-base-url", server.url, "--agent-id", "42",
                           "--ledger", os.path.join(bench.work, ledger), *files)

    sizes = bench.sizes
    large, small = (os.path.join(bench.work, name) for name in ("upload.mp4", "less.mp4"))
    make_sparse_clip(large, sizes.large)
    make_sparse_clip(small, max(sizes.small, 64 * MIB))
    # Whoever reads a file first would pay for what all others find in memory.
    bench.timed("cat", large, small)
    by_hand = (f"openssl dgst -sha256 -binary {large} && openssl dgst -md5 -binary {large} && "
               f"curl -sSf -T {large} {server.url}/put")
    ours, hand, curl, less = [], [], [], []
    for number in range(min(sizes.rounds, 5)):
        ours.append(upload(f"large-{number}.db", large))
        hand.append(bench.timed("sh", "-c", by_hand))
        curl.append(bench.timed("curl", "-sSf", "-T", large, f"{server.url}/put"))
        less.append(upload(f"small-{number}.db", small))

    def of(taken, key, scale=1.0):
        return [run[key] * scale for run in taken]

    title = f"{sizes.large // MIB} MiB uploaded"
    yield Row(f"{title}: wall time", "s", of(ours, "wall"), "its digests by openssl, then curl",
              of(hand, "wall"), ratio=1.1)
    yield Row(f"{title}: CPU time", "s", of(ours, "cpu"), "its digests by openssl, then curl",
              of(hand, "cpu"))
    yield Row(f"{title}: wall time", "s", of(ours, "wall"), "curl, without digests",
              of(curl, "wall"))
    yield Row("Peak memory does not grow with the upload", "MiB", of(ours, "peak", 1 / MIB),
              f"{os.path.getsize(small) // MIB} MiB", of(less, "peak", 1 / MIB), ratio=1.1,
              digits=1)

    folder = os.path.join(bench.work, "many")
    os.mkdir(folder)
    files = []
    for number in range(FILES):
        files.append(os.path.join(folder, f"{number}.mp4"))
        make_sparse_clip(files[-1], MIB + number)
    # A file that has changed just now may change once more, and would be read again.
    old = os.stat(folder).st_mtime - 60
    for name in files:
        os.utime(name, (old, old))
    first = upload("many.db", *files)
    again = [upload("many.db", *files)["wall"] for _ in range(min(sizes.rounds, 5))]
    yield Row(f"{FILES} files of 1 MiB uploaded again", "s", again, "the first time",
              [first["wall"]] * len(again), most=1)
