# SPDX-License-Identifier: LGPL-2.1-or-later
"""The emulator, as the page's test runs and asks it."""

import json
import signal
import subprocess
import urllib.request

from webdriver import Failure

KEY = 'gen_pat_page-test'


class Emulator:
    def __init__(self, program, *options):
        self.process = subprocess.Popen(
            [program, 'serve', '--port', '0', '--latency', '1', *options], stdout=subprocess.PIPE,
            text=True)
        line = self.process.stdout.readline()
        if not line.startswith('Listening on http'):
            raise Failure(f'the emulator starts: {line!r}')
        self.origin = line.split()[-1].removesuffix('/v1')

    def call(self, method, path, body=None, key=KEY):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data, {'X-API-Key': key}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def generations(self):
        return self.call('GET', '/_emulator/generations')['generations']

    def generate(self, prompt, seconds=1):
        return self.call('POST', '/v1/autocontentengine/101/cells/3300/generate?agent_id=42', {
            'generation_type': 'video_from_ingredients',
            'data': {'prompt': prompt, 'asset_resource_ids': [501], 'model': 'pika',
                     'duration': seconds}})['generation_id']

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.process.stdout.close()
