#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a graph of a visual editor, or a line for OBS, without the program that it is for.

  examples/on-emulator.sh examples/gallery/graph.py GRAPH [FILE.mkv [SETTING…]]

GRAPH is a .gps file of GstPipelineStudio, a .json file of Strom or a .txt file for obs-gstreamer. With
FILE.mkv its video is recorded until the clip has ended, instead of being shown.
"""
import json
import os
import shlex
import sys
import xml.etree.ElementTree as xml


def of_studio(path):
    graph = xml.parse(path).getroot()
    names = {node.get("id"): f"{node.get('name')}{node.get('id')}" for node in graph.iter("Node")}
    ports = {port.get("id"): port.get("name") for port in graph.iter("Port")}
    elements = [(names[node.get("id")], node.get("name"),
                 {each.get("name"): each.get("value") for each in node.findall("Property")})
                for node in graph.iter("Node")]
    links = [(f"{names[link.get('node_from')]}.{ports[link.get('port_from')]}",
              f"{names[link.get('node_to')]}.{ports[link.get('port_to')]}")
             for link in graph.iter("Link") if link.get("active") == "true"]
    return elements, links


def of_strom(path):
    with open(path, encoding="utf-8") as file:
        flow = json.load(file)
    elements = [(each["id"], each["element_type"], each["properties"]) for each in flow["elements"]]
    links = [(link["from"].replace(":", "."), link["to"].replace(":", "."))
             for link in flow["links"]]
    return elements, links


def words_of(path, output, settings):
    sinks = {"autovideosink": ["autovideosink"], "autoaudiosink": ["autoaudiosink"]}
    if output:
        sinks = {"autovideosink": ["x264enc", "speed-preset=ultrafast", "!", "matroskamux", "!",
                                   "filesink", f"location={output}"],
                 "autoaudiosink": ["fakesink"]}
        settings = ["at-end=eos", *settings]
    if path.endswith(".txt"):
        with open(path, encoding="utf-8") as file:
            words = shlex.split(file.read())
        first = words.index("genprobin") + 1
        # What the plugin of OBS adds.
        return [*words[:first], *settings, *words[first:],
                "queue", "name=video", "!", *sinks["autovideosink"],
                "queue", "name=audio", "!", *sinks["autoaudiosink"]]
    elements, links = of_studio(path) if path.endswith(".gps") else of_strom(path)
    words = []
    for name, factory, properties in elements:
        if factory in sinks:
            words += ["queue", f"name={name}", "!", *sinks[factory]]
            continue
        words += [factory, f"name={name}"]
        words += [f"{key}={str(value).lower() if isinstance(value, bool) else value}"
                  for key, value in properties.items()]
        words += settings if factory == "genprobin" else []
    for source, target in links:
        words += [source, "!", target]
    return words


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    line = words_of(sys.argv[1], "".join(sys.argv[2:3]), sys.argv[3:])
    os.execvp("gst-launch-1.0", ["gst-launch-1.0", *line])
