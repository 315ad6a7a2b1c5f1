# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that the benchmarks read from, all on 127.0.0.1."""
import collections
import http.server
import os
import re
import shutil
import socket
import subprocess
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """Files below `root`, and the API: /done/NAME is a completed generation whose clip is the file
    NAME, /waiting/… one that goes on for ever. `elsewhere` maps a name to another clip's address."""

    CONFIGURATION = """
        daemon off;
        {user}
        worker_processes auto;
        pid {work}/nginx.pid;
        error_log {work}/nginx-error.log;
        events {{ worker_connections 2048; }}
        http {{
          access_log off;
          sendfile on;
          tcp_nopush on;
          keepalive_requests 1000000;
          types {{ video/mp4 mp4; }}
          client_body_temp_path {work}/body;
          proxy_temp_path {work}/proxy;
          fastcgi_temp_path {work}/fastcgi;
          uwsgi_temp_path {work}/uwsgi;
          scgi_temp_path {work}/scgi;
          server {{
            listen 127.0.0.1:{port} backlog=1024;
            root {root};
            default_type application/json;
            location ~ ^/waiting/generations/ {{
              return 200 '{{"id": 1, "status": "processing"}}';
            }}
            {elsewhere}
            location ~ ^/done/generations/([^.]+)$ {{
              return 200 '{{"id": 1, "status": "completed", "output_resources": [{{
                "url": "http://127.0.0.1:{port}/$1.mp4", "object_type": "video"}}]}}';
            }}
          }}
        }}
    """
    ELSEWHERE = """location = /done/generations/{name} {{
              return 200 '{{"id": 1, "status": "completed", "output_resources": [{{
                "url": "{url}", "object_type": "video"}}]}}';
            }}
            """

    def __init__(self, root, work, elsewhere):
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            raise RuntimeError("nginx is not installed. Run examples/install-packages.sh --tests.")
        self.url = f"http://127.0.0.1:{free_port()}"
        port = int(self.url.rsplit(":", 1)[1])
        configuration = os.path.join(work, "nginx.conf")
        answers = "".join(self.ELSEWHERE.format(name=n, url=u) for n, u in elsewhere.items())
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(
                self.CONFIGURATION.format(
                    # Started by root, the workers would be a user who may not read the files.
                    user="user root;" if os.geteuid() == 0 else "",
                    work=work, port=port, root=root, elsewhere=answers))
        self.process = subprocess.Popen(
            [program, "-p", work, "-c", configuration, "-e", f"{work}/nginx-error.log"])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        self.close()
        with open(f"{work}/nginx-error.log", encoding="utf-8") as log:
            raise RuntimeError("nginx does not serve: " + log.read())

    def close(self):
        self.process.terminate()
        self.process.wait()


class Server:
    """Serves on 127.0.0.1 by a class of handlers until it is closed."""

    def __init__(self, handler):
        class Threads(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a client that left

        self.server = Threads(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class PacedServer(Server):
    """Files below `root` at an even pace, with ranges, a connection at a time or many.
    `?stall=N` says no more after N bytes of the file, and stays silent. `requests` counts."""

    def __init__(self, root, bytes_a_second):
        self.requests = requests = collections.Counter()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                path, _, query = self.path.partition("?")
                requests[path] += 1
                stall = int(query[6:]) if query.startswith("stall=") else None
                with open(os.path.join(root, os.path.basename(path)), "rb") as file:
                    self.send_file(file, stall)

            def send_file(self, file, stall):
                size = os.fstat(file.fileno()).st_size
                asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                first, last = (int(asked[1]), int(asked[2] or size - 1)) if asked else (0, size - 1)
                self.send_response(206 if asked else 200)
                if asked:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                self.send_header("Content-Length", str(last - first + 1))
                self.send_header("Content-Type", "video/mp4")
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("ETag", '"one"')
                self.end_headers()
                try:
                    self.pace(file, first, last + 1, stall)
                except OSError:
                    self.close_connection = True

            def pace(self, file, at, end, stall):
                file.seek(at)
                begun, sent = time.monotonic(), 0
                while at + sent < end:
                    if stall is not None and at + sent >= stall:
                        self.connection.recv(1)
                        return
                    chunk = file.read(min(32 * 1024, end - at - sent))
                    self.wfile.write(chunk)
                    sent += len(chunk)
                    early = begun + sent / bytes_a_second - time.monotonic()
                    if early > 0:
                        time.sleep(early)

        super().__init__(Handler)


class SilentServer:
    """Takes connections and whatever is sent on them, and says nothing."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        # The kernel completes connections that nobody accepts.
        self.socket.listen(1024)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.tls_url = self.url.replace("http:", "https:")

    def close(self):
        self.socket.close()
