#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A live output in one image: before a clip is there, while it fades in, and after.

  examples/on-emulator.sh examples/swap_sheet.py IMAGE.jpg [CAMERA.jpg]

CAMERA.jpg stands for a camera; without it that is the emulator's ingredient 501.
"""
import collections
import os
import sys
import tempfile

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: F401, the second one for the methods of appsink

FADE = Gst.SECOND
LIVE = (
    "compositor name=mix background=black "
    "sink_1::xpos=580 sink_1::ypos=60 sink_1::width=640 sink_1::height=360 ! "
    "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! appsink name=output "
    "filesrc name=camera ! decodebin ! aspectratiocrop aspect-ratio=16/9 ! imagefreeze is-live=true ! "
    "videoconvert ! videoscale ! "
    "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! queue ! mix.sink_0 "
    f"genprobin name=live placeholder=slate on-error=error fade={FADE // Gst.MSECOND} sheet-id=101 cell-id=3300 "
    "agent-id=42 asset-ids=503 model=pika aspect-ratio=16:9 duration=5 prompt=\"A boat at noon\" "
    "live.video ! queue ! mix.sink_1"
)
STILL = "appsrc name=input ! videoconvert ! pngenc ! filesink name=file"
SHEET = (
    "compositor name=sheet background=black sink_1::xpos=484 sink_2::xpos=968 ! "
    "video/x-raw,width=1448,height=270,framerate=1/1 ! videoconvert ! "
    "jpegenc quality=88 snapshot=true ! filesink name=file "
)


class Output:
    """The live output, and when the clip came on."""

    def __init__(self, camera):
        self.pipeline = Gst.parse_launch(LIVE)
        self.pipeline.get_by_name("camera").set_property("location", camera)
        self.sink = self.pipeline.get_by_name("output")
        self.started = None
        self.pipeline.get_by_name("live").connect("clip-started", self.on_clip_started)

    def on_clip_started(self, live, _):
        self.started = live.get_current_running_time()

    def pull(self):
        sample = self.sink.pull_sample()
        if sample is None:
            message = self.pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
            sys.exit(message.parse_error()[0].message if message else "The output has ended.")
        return sample

    def pull_from(self, time):
        while (sample := self.pull()).get_buffer().pts < time:
            pass
        return sample

    def stills(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        before = collections.deque(maxlen=15)
        while self.started is None:
            before.append(self.pull())
        during = self.pull_from(self.started + FADE // 2)
        after = self.pull_from(self.started + 2 * FADE)
        self.pipeline.set_state(Gst.State.NULL)
        return [before[0], during, after]


def run(pipeline):
    pipeline.set_state(Gst.State.PLAYING)
    wanted = Gst.MessageType.ERROR | Gst.MessageType.EOS
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error()[0].message)


def save(sample, path):
    pipeline = Gst.parse_launch(STILL)
    pipeline.get_by_name("file").set_property("location", path)
    source = pipeline.get_by_name("input")
    source.set_property("caps", sample.get_caps())
    source.push_buffer(sample.get_buffer())
    source.end_of_stream()
    run(pipeline)


def main():
    if len(sys.argv) < 2 or (len(sys.argv) < 3 and "INGREDIENTS" not in os.environ):
        sys.exit(__doc__)
    camera = sys.argv[2] if len(sys.argv) > 2 else os.environ["INGREDIENTS"] + "/photo.jpg"
    Gst.init(None)
    with tempfile.TemporaryDirectory() as folder:
        sheet = SHEET
        for number, sample in enumerate(Output(camera).stills()):
            path = f"{folder}/{number}.png"
            save(sample, path)
            sheet += (
                f"filesrc location={path} ! pngdec ! videoscale ! videoconvert ! "
                "video/x-raw,width=480,height=270 ! "
                f"imagefreeze num-buffers=1 ! sheet.sink_{number} "
            )
        pipeline = Gst.parse_launch(sheet)
        pipeline.get_by_name("file").set_property("location", sys.argv[1])
        run(pipeline)


if __name__ == "__main__":
    main()
