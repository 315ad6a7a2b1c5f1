#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A live stream that shows what is typed: each line is a prompt, and asks for a generation.

  examples/on-emulator.sh examples/live.py                                   in a window
  examples/on-emulator.sh examples/live.py --output live.mkv <prompts.txt    recorded

The stream goes on while a clip is made, with the one before or with the slate. Each line is paid
for. It ends when all lines have been shown.
"""
import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst

WINDOW = (
    "live.video ! queue ! videoconvert ! autovideosink "
    "live.audio ! queue ! audioconvert ! audioresample ! autoaudiosink"
)
FILE = (
    "live.video ! queue ! videoconvert ! video/x-raw,format=I420 ! "
    "x264enc tune=zerolatency speed-preset=ultrafast ! h264parse ! mux. "
    "live.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! mux. "
    "matroskamux name=mux ! filesink name=file"
)


class Live:
    def __init__(self, output, settings):
        self.pipeline = Gst.parse_launch(
            "genprobin name=live sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,502 "
            f"model=pika duration=5 placeholder=slate fade=500 {settings} "
            + (FILE if output else WINDOW)
        )
        self.bin = self.pipeline.get_by_name("live")
        if output:
            self.pipeline.get_by_name("file").set_property("location", output)
        self.is_playing = False
        self.is_settled = threading.Event()  # the prompt has become a clip that is on, or failed
        self.is_over = threading.Event()  # no clip is on
        self.is_over.set()
        # They are emitted on a thread of the element.
        self.bin.connect("generation-started", lambda _, number: say(f"Generation {number} begins"))
        self.bin.connect("generation-failed", self.on_failed)
        self.bin.connect("clip-started", self.on_clip_started)
        self.bin.connect("clip-ended", self.on_clip_ended)

    def on_clip_started(self, _, number):
        say(f"Clip {number} is on")
        self.is_over.clear()
        self.is_settled.set()

    def on_clip_ended(self, _, number):
        say(f"Clip {number} is over")
        self.is_over.set()

    def on_failed(self, _, number, reason):
        say(reason)
        self.is_settled.set()

    def read_prompts(self):
        # A new prompt would take the place of one that has not been on yet, so that one is awaited.
        for line in sys.stdin:
            if prompt := line.strip():
                self.is_settled.clear()
                self.generate(prompt)
                self.is_settled.wait()
        self.is_over.wait()
        self.end()

    def generate(self, prompt):
        self.bin.set_property("prompt", prompt)
        if self.is_playing:
            self.bin.emit("generate")
        else:  # which asks for the first generation by itself
            self.is_playing = True
            self.pipeline.set_state(Gst.State.PLAYING)

    def end(self):
        if self.is_playing:
            self.pipeline.send_event(Gst.Event.new_eos())
        else:
            self.pipeline.get_bus().post(Gst.Message.new_eos(self.pipeline))

    def run(self):
        threading.Thread(target=self.read_prompts, daemon=True).start()
        bus = self.pipeline.get_bus()
        wanted = Gst.MessageType.ERROR | Gst.MessageType.EOS | Gst.MessageType.LATENCY
        while True:
            try:
                message = bus.timed_pop_filtered(Gst.SECOND // 5, wanted)
            except KeyboardInterrupt:
                self.end()
                continue
            if message is None:
                continue
            if message.type == Gst.MessageType.EOS:
                return 0
            if message.type == Gst.MessageType.ERROR:
                say(message.parse_error()[0].message)
                return 1
            self.pipeline.recalculate_latency()


def say(text):
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", metavar="FILE.mkv", help="record instead of showing it")
    parser.add_argument("--settings", default="", help='more settings of genprobin, "a=b c=d"')
    arguments = parser.parse_args()
    Gst.init(None)
    try:
        live = Live(arguments.output, arguments.settings)
    except GLib.Error as error:
        sys.exit(error.message)
    try:
        return live.run()
    finally:
        live.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    sys.exit(main())
