# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of WebDriver as the page's test needs, for a headless Chromium, without packages."""

import base64
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'
# Nothing waits for this long unless something is wrong. A loaded machine is slow.
DEADLINE = 60

KEYS = {'tab': '\ue004', 'enter': '\ue007', 'space': ' '}


class Failure(Exception):
    """What was expected has not come about."""


def eventually(what, condition, seconds=DEADLINE):
    """Repeats `condition` until it gives something that is true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f'after {seconds} s: {what}')
        time.sleep(0.1)


class Driver:
    """The chromedriver process."""

    def __init__(self, program, folder):
        self.log = open(os.path.join(folder, 'chromedriver.log'), 'w+', encoding='utf-8')
        self.process = subprocess.Popen(
            [program, '--port=0'], stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True, env={**os.environ, 'HOME': folder, 'TMPDIR': folder})
        self.base = eventually('chromedriver says where it listens', self._address)

    def _address(self):
        if self.process.poll() is not None:
            raise Failure('chromedriver ended: ' + self._said())
        found = re.search(r'started successfully on port (\d+)', self._said())
        return found and f'http://127.0.0.1:{found[1]}'

    def _said(self):
        with open(self.log.name, encoding='utf-8') as log:
            return log.read()

    def close(self):
        """Ends the driver and the browsers that it has started, which are its group."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


class Browser:
    """One session with a profile of its own."""

    def __init__(self, driver, program, profile, arguments=()):
        arguments = ['--headless=new', '--disable-gpu', '--disable-dev-shm-usage', '--mute-audio',
                     '--no-first-run', '--disable-extensions', '--window-size=1200,900',
                     f'--user-data-dir={profile}', *arguments]
        if os.geteuid() == 0:
            arguments.append('--no-sandbox')
        self.base = driver.base
        capabilities = {
            'browserName': 'chrome',
            'goog:chromeOptions': {'binary': program, 'args': arguments},
            'goog:loggingPrefs': {'browser': 'ALL', 'performance': 'ALL'},
        }
        answer = self._send('POST', '/session', {'capabilities': {'alwaysMatch': capabilities}})
        self.base += f'/session/{answer["sessionId"]}'
        # Its first tab has loaded pages of its own.
        self.open('about:blank')
        self.log('performance')
        self._send('POST', '/timeouts', {'script': DEADLINE * 1000, 'pageLoad': DEADLINE * 1000})

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * DEADLINE) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as error:
            raise Failure(f'{method} {path}: {json.load(error)["value"]["message"]}') from error

    def open(self, url):
        self._send('POST', '/url', {'url': url})

    def run(self, script, *arguments):
        """Runs a function body; what it returns may be a promise."""
        return self._send('POST', '/execute/sync', {'script': script, 'args': list(arguments)})

    def find(self, selector):
        return self._send('POST', '/element', {'using': 'css selector', 'value': selector})[ELEMENT]

    def click(self, selector):
        self._send('POST', f'/element/{self.find(selector)}/click', {})

    def write(self, selector, text):
        self._send('POST', f'/element/{self.find(selector)}/value', {'text': text})

    def press(self, *keys):
        """Types keys by their name, or a text, to whatever has the focus."""
        actions = []
        for key in keys:
            for character in KEYS.get(key, key):
                actions += [{'type': 'keyDown', 'value': character},
                            {'type': 'keyUp', 'value': character}]
        self._send('POST', '/actions',
                   {'actions': [{'type': 'key', 'id': 'keyboard', 'actions': actions}]})

    def text(self, selector):
        return self.run('return document.querySelector(arguments[0])?.textContent ?? ""', selector)

    def devtools(self, command, **parameters):
        return self._send('POST', '/goog/cdp/execute', {'cmd': command, 'params': parameters})

    def log(self, kind):
        return self._send('POST', '/se/log', {'type': kind})

    def complaints(self):
        """What has come up on the console since the last call that is no mere information."""
        return [f'{entry["level"]} {entry["message"]}' for entry in self.log('browser')
                if entry['level'] in ('WARNING', 'SEVERE')]

    def requested(self):
        """The URLs that were asked for since the last call."""
        events = (json.loads(entry['message'])['message'] for entry in self.log('performance'))
        return [event['params']['request']['url'] for event in events
                if event['method'] == 'Network.requestWillBeSent']

    def picture(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self._send('GET', '/screenshot')))

    def close(self):
        self._send('DELETE', '')
