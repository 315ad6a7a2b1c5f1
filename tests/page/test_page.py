#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The emulator's page as its users meet it: in a real browser, with the real renderer.

usage: test_page.py GENPRO-EMULATOR

Prints the results as TAP; without a Chromium all of it is skipped."""

import contextlib
import http.server
import os
import shutil
import struct
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
import zlib

from emulator import KEY, Emulator
from webdriver import Browser, Driver, Failure, eventually

LONG_WORD = 'unbreakable' * 30


def expect(condition, what):
    if not condition:
        raise Failure(what)


def png(width=320, height=180):
    """A picture with a colour gradient."""
    rows = b''.join(
        b'\0' + b''.join(bytes((x % 256, y % 256, 128)) for x in range(width)) for y in range(height))
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack(
            '>I', zlib.crc32(kind + data))
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(
        b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def await_completion(browser, number):
    """Waits for the end that is wanted, and not on after another one."""
    status = card(number, '.status')
    ends = ('completed', 'failed', 'stopped')
    ended = eventually(f'generation {number} ends',
                       lambda: browser.text(status) in ends and browser.text(status))
    expect(ended == 'completed', f'it is {ended}: {browser.text(card(number, "p.error"))}')


def card(number, rest=''):
    return f'#generations > li[data-id="{number}"] {rest}'


def again(number):
    return card(number, 'button[aria-label^="Use again"]')


def open_page(browser, emulator):
    """Opens the page and gives it the key, if it asks for it."""
    browser.open(emulator.origin + '/')
    state = '''return document.getElementById('key-dialog').open ? 'key'
               : document.getElementById('connection').className'''
    if eventually('the page asks for a key or is live', lambda: browser.run(state)) == 'key':
        browser.press(KEY, 'enter')
    eventually('the page is live', lambda: browser.run(state) == 'live')


def test_key(browser, emulator, folder):
    """The key is asked for once, again when it is wrong, and is in no address and no cookie."""
    browser.open(emulator.origin + '/')
    is_open = 'return document.getElementById("key-dialog").open'
    eventually('the key is asked for', lambda: browser.run(is_open))
    browser.press('a-wrong-key', 'enter')
    eventually('a wrong key is noticed',
               lambda: 'not the key' in browser.text('#key-message') and browser.run(is_open))
    browser.press(KEY, 'enter')
    eventually('the page is live', lambda: browser.text('#connection') == 'live')
    # The browser itself notes the refused request.
    complaints = browser.complaints()
    expect(all('401' in line for line in complaints), f'no other complaints: {complaints}')
    browser.open(emulator.origin + '/')
    eventually('the page is live again', lambda: browser.text('#connection') == 'live')
    expect(not browser.run(is_open), 'the key is asked for once')
    expect(browser.run('return document.cookie + localStorage.length') == '0', 'nothing else is kept')


def test_generate(browser, emulator, folder):
    """Upload a picture, generate, see it complete, play it, read what was said."""
    open_page(browser, emulator)
    focused = 'return document.activeElement.id'
    browser.click('#generate')
    eventually('a prompt is asked for', lambda: 'prompt' in browser.text('#form-message'))
    expect(browser.run(focused) == 'prompt', 'it can be typed at once')
    browser.press('A <b>sunset</b> over the bay')
    browser.click('#generate')
    eventually('an ingredient is asked for', lambda: 'ingredient' in browser.text('#form-message'))
    expect(browser.run(focused) == 'files', 'one can be uploaded at once')
    path = os.path.join(folder, 'sunset.png')
    with open(path, 'wb') as file:
        file.write(png())
    browser.write('#files', path)
    eventually('the picture is listed, chosen and seen', lambda: browser.run('''
        const item = document.querySelector('#ingredients li[data-id="501"]');
        return item !== null && item.textContent.includes('sunset.png')
          && item.querySelector('input').checked && item.querySelector('img').naturalWidth === 320'''))
    browser.write('#model', 'pika')
    browser.write('#duration', '1')
    browser.click('#generate')
    eventually('the generation is listed', lambda: browser.text(card(9040, 'h3')))
    await_completion(browser, 9040)
    expect(browser.text(card(9040, '.prompt')) == 'A <b>sunset</b> over the bay', 'the prompt is text')
    facts = browser.text(card(9040, 'p.facts'))
    for fact in ('pika', '16:9', '1 s', 'cost 0.7', '501'):
        expect(fact in facts, f'{fact} is told: {facts}')
    eventually('the credit is told', lambda: browser.text('#credit') == '999.3')

    browser.run('document.querySelector(arguments[0]).focus()', card(9040, 'video'))
    poster = browser.run('return document.querySelector(arguments[0]).poster', card(9040, 'video'))
    size = browser.run('''const image = new Image(); image.src = arguments[0];
        return image.decode().then(() => image.naturalWidth)''', poster)
    expect(size > 0, 'the thumbnail is a picture')
    browser.press('space')
    at = 'return document.querySelector(arguments[0]).currentTime'
    eventually('the clip plays', lambda: browser.run(at, card(9040, 'video')) > 0.2)
    shape = browser.run('''const {videoWidth, videoHeight, error} = document.querySelector(arguments[0]);
        return [videoWidth, videoHeight, error]''', card(9040, 'video'))
    expect(shape == [1280, 720, None], f'the clip is what was asked for: {shape}')

    browser.click(card(9040, 'summary'))
    said = eventually('requests and answers are shown', lambda: browser.text(card(9040, '.exchange')))
    for part in ('POST /v1/autocontentengine/101/cells/3300/generate?agent_id=42', '201',
                 '"prompt":"A <b>sunset</b> over the bay"', '"asset_resource_ids":[501]',
                 '{"generation_id":9040,"status":"pending"}', 'idempotency-key'):
        expect(part in said, f'{part} is shown: {said}')
    expect(KEY not in browser.run('return document.documentElement.innerHTML'), 'the key is not')


def test_live(browser, emulator, folder):
    """What other clients do appears by itself; a generation is stopped and continued."""
    open_page(browser, emulator)
    browser.run('window.untouched = true')
    # Long enough to be stopped, however slow the machine is.
    emulator.call('POST', '/_emulator/faults', {'name': 'latency', 'value': 'fixed:3600'})
    number = emulator.generate('From somewhere else')
    eventually('it appears', lambda: browser.text(card(number, 'h3')))
    order = browser.run('return [...document.querySelectorAll("#generations > li")]'
                        '.map((item) => Number(item.dataset.id))')
    expect(order == sorted(order, reverse=True) and order[0] == number, f'newest first: {order}')
    emulator.call('POST', f'/v1/generations/{number}/stop')
    eventually('it is stopped', lambda: browser.text(card(number, '.status')) == 'stopped')
    expect('refunded' in browser.text(card(number, 'p.facts')), 'the refund is told')
    emulator.call('POST', '/_emulator/faults', {'name': 'latency', 'enabled': False})
    browser.click(card(number, 'button[aria-label^="Continue"]'))
    eventually('it goes on', lambda: browser.text(card(number, '.status')) == 'completed')
    expect(browser.run('return window.untouched'), 'the page was not loaded anew')


def test_faults(browser, emulator, folder):
    """The faults are switches."""
    open_page(browser, emulator)
    listed = emulator.call('GET', '/_emulator/faults')['faults']
    name = listed[-1]['name']
    browser.click('#faults-box > summary')
    eventually('all are listed',
               lambda: browser.run('return document.querySelectorAll("#faults li").length')
               == len(listed))
    switch = '#faults li:last-child input[type=checkbox]'

    def enabled():
        return [fault['enabled'] for fault in emulator.call('GET', '/_emulator/faults')['faults']
                if fault['name'] == name][0]
    browser.click(switch)
    eventually('it is on', enabled)
    browser.click(switch)
    eventually('it is off', lambda: not enabled())


def test_today(browser, emulator, folder):
    """Where only today's dialects are spoken, the form speaks one of them."""
    open_page(browser, emulator)
    path = os.path.join(folder, 'kite.png')
    with open(path, 'wb') as file:
        file.write(png())
    browser.write('#files', path)
    eventually('it is uploaded', lambda: browser.text('#upload-message') == 'Uploaded.')
    browser.write('#prompt', 'A kite')
    def ratios():
        return browser.run('return [...document.querySelectorAll("#ratio option")]'
                           '.map((option) => option.value).filter((value) => value !== "")')
    eventually('those of all models are offered', lambda: '3:2' in ratios() and '1:1' in ratios())
    # What is typed would be added to what was typed just before.
    choose = ('const model = document.getElementById("model"); model.value = arguments[0];'
              'model.dispatchEvent(new Event("change", {bubbles: true}))')
    browser.run(choose, 'veo-3.1')
    eventually('its two are', lambda: ratios() == ['9:16', '16:9'])
    browser.run(choose, 'grok')
    eventually('its seven are', lambda: len(ratios()) == 7)
    browser.write('#ratio', '3:2')
    browser.write('#duration', '1')
    browser.click('#generate')
    eventually('the generation is listed', lambda: browser.text(card(9040, 'h3')))
    await_completion(browser, 9040)
    browser.click(card(9040, 'summary'))
    said = eventually('requests and answers are shown', lambda: browser.text(card(9040, '.exchange')))
    for part in ('POST /v1/vidsheet/101/cells/3300/generate?agent_id=42',
                 f'"images":[{{"value":"{emulator.origin}/uploads/', '"model":"grok"'):
        expect(part in said, f'{part} is shown: {said}')
    expect(not browser.run('return document.querySelector(arguments[0]).hidden', again(9040)),
           'it is offered to be used again')


def test_use_again(browser, emulator, folder):
    """What the form cannot say is not offered for it."""
    seed = emulator.generate('Of the seed', 2)
    today = emulator.call('POST', '/v1/vidsheet/101/cells/3300/generate?agent_id=42', {
        'generation_type': 'video_from_text', 'data': {
            'prompt': 'Of today', 'model': 'grok', 'duration': 1}})['generation_id']
    open_page(browser, emulator)
    eventually('both are listed', lambda: browser.text(card(seed, 'h3')) and
               browser.text(card(today, 'h3')))
    hidden = 'return document.querySelector(arguments[0]).hidden'
    expect(browser.run(hidden, again(today)), 'a text is not')
    browser.click(again(seed))
    filled = browser.run('return ["prompt", "model", "ratio", "duration"]'
                         '.map((id) => document.getElementById(id).value)')
    expect(filled == ['Of the seed', 'pika', '16:9', '2'], f'all of it is there: {filled}')


def test_keyboard(browser, emulator, folder):
    """Everything that generating takes can be reached and done with the keyboard."""
    before = len(emulator.generations())
    open_page(browser, emulator)
    eventually('the ingredient is there', lambda: browser.run(
        'return document.querySelector("#ingredients input") !== null'))
    # Once through the document: where the Tab key stops.
    focused = '''const node = document.activeElement;
        return node.id || (node.closest('#ingredients') ? 'ingredient' : node.tagName)'''

    def tab_to(wanted):
        for _ in range(60):
            browser.press('tab')
            if browser.run(focused) == wanted:
                return
        raise Failure(f'the Tab key never comes to {wanted}')
    tab_to('prompt')
    browser.press('With keys only')
    tab_to('ingredient')
    browser.press('space')
    tab_to('model')
    browser.press('pika')
    tab_to('duration')
    browser.press('1')
    tab_to('generate')
    ring = browser.run('return getComputedStyle(document.activeElement).outlineStyle')
    expect(ring != 'none', 'what has the focus is seen')
    browser.press('enter')
    eventually('it is asked for', lambda: len(emulator.generations()) == before + 1)
    newest = emulator.generations()[0]
    expect((newest['prompt'], newest['model'], newest['duration'], newest['asset_resource_ids'])
           == ('With keys only', 'pika', 1, [501]), f'as it was typed: {newest}')
    number = newest['generation']['id']
    await_completion(browser, number)


def test_large_upload(browser, emulator, folder):
    """A file beyond the limit of forms goes up, with its progress; one beyond 1 GB is refused."""
    open_page(browser, emulator)
    path = os.path.join(folder, 'long-song.wav')
    size = 64 * 1024 * 1024
    with open(path, 'wb') as file:
        file.write(b'RIFF\0\0\0\x04WAVEfmt ')
        file.truncate(size)
    browser.run('''const bar = document.getElementById('upload-progress');
        const share = document.getElementById('upload-share');
        window.told = [];
        new MutationObserver(() => window.told.push([bar.value, share.textContent, bar.offsetHeight]))
          .observe(share, {childList: true, characterData: true, subtree: true})''')
    browser.write('#files', path)
    item = eventually('it is listed', lambda: browser.run('''
        const item = [...document.querySelectorAll('#ingredients li')]
          .find((one) => one.textContent.includes('long-song.wav'));
        return item?.querySelector('input').checked && item.dataset.id'''))
    told = browser.run('return window.told')
    expect(all(text.endswith('% of 64.0 MB') and height > 0 for _, text, height in told)
           and told[-1][0] == 1, f'its progress is told and seen: {told}')
    eventually('its end is told', lambda: browser.text('#upload-message') == 'Uploaded.')
    expect(browser.run('return document.getElementById("uploading").hidden'), 'the progress goes')
    listed = emulator.call('GET', f'/v1/content_resources/{item}?agent_id=42')['content_resource']
    expect(listed['content_type'].startswith('audio/'), f'it is audio: {listed}')
    head = urllib.request.Request(listed['url'], method='HEAD')
    with urllib.request.urlopen(head, timeout=60) as answer:
        expect(int(answer.headers['Content-Length']) == size, 'all of it is there')

    path = os.path.join(folder, 'too-long.wav')
    with open(path, 'wb') as file:
        file.truncate(1024 ** 3 + 1)
    browser.write('#files', path)
    eventually('the limit is told', lambda: 'too-long.wav: larger than 1 GB'
               in browser.text('#upload-message'))
    emulator.call('DELETE', f'/v1/content_resources/{item}?agent_id=42')
    eventually('it goes when another client deletes it', lambda: not browser.run(
        'return document.querySelector(arguments[0]) !== null', f'#ingredients li[data-id="{item}"]'))


def test_cancel(browser, emulator, folder):
    """An upload can be broken off, and leaves nothing."""
    before = len(emulator.call('GET', '/v1/content_resources?agent_id=42'))
    open_page(browser, emulator)
    path = os.path.join(folder, 'endless.wav')
    with open(path, 'wb') as file:
        file.write(b'RIFF\0\0\0\x04WAVEfmt ')
        file.truncate(1024 ** 3)
    # At once, however fast the machine is.
    browser.run('''const box = document.getElementById('uploading');
        new MutationObserver(() => box.hidden || document.getElementById('cancel-upload').click())
          .observe(box, {attributes: true})''')
    browser.write('#files', path)
    eventually('it is cancelled', lambda: browser.text('#upload-message') == 'Cancelled.')
    expect(len(emulator.call('GET', '/v1/content_resources?agent_id=42')) == before, 'nothing is kept')


def test_delete(browser, emulator, folder):
    """An ingredient is deleted with the keyboard, after a question."""
    for name in ('first.png', 'second.png'):
        path = os.path.join(folder, name)
        with open(path, 'wb') as file:
            file.write(png(16, 16))
    open_page(browser, emulator)
    browser.write('#files', '\n'.join(os.path.join(folder, name)
                                      for name in ('first.png', 'second.png')))
    eventually('both are uploaded', lambda: browser.text('#upload-message') == '2 files uploaded.')

    def listed():
        return [resource['file_name'] for resource
                in emulator.call('GET', '/v1/content_resources?agent_id=42')]

    button = '#ingredients button[aria-label^="Delete first.png"]'
    order = '''return [...document.querySelectorAll('#ingredients li')]
        .find((item) => item.textContent.includes('second.png')).querySelector('.order').textContent'''
    expect(browser.run(order) == '2', 'they are chosen in the order of their upload')
    asked = 'return document.getElementById("delete-dialog").open'
    focused = 'return document.activeElement.getAttribute("aria-label") ?? ""'
    browser.run('document.querySelector(arguments[0]).focus()', button)
    browser.press('enter')
    eventually('it is asked', lambda: browser.run(asked))
    expect('first.png' in browser.text('#delete-text'), 'the question names it')
    # The Enter key alone deletes nothing.
    browser.press('enter')
    eventually('the question goes', lambda: not browser.run(asked))
    expect('first.png' in listed(), 'it stays')
    expect(browser.run(focused).startswith('Delete first.png'), 'the focus stays')
    browser.press('enter')
    eventually('it is asked again', lambda: browser.run(asked))
    browser.press('tab', 'enter')
    eventually('it goes from the list', lambda: not browser.run(
        'return document.querySelector(arguments[0]) !== null', button))
    expect('first.png' not in listed() and 'second.png' in listed(), f'that one only: {listed()}')
    eventually('the focus goes to the next',
               lambda: browser.run(focused).startswith('Delete sunset.png'))
    eventually('it is told', lambda: 'first.png' in browser.text('#upload-message'))
    eventually('the other one is the first now', lambda: browser.run(order) == '1')


def test_phone(browser, emulator, folder):
    """On a phone nothing has to be scrolled sideways, also not with what is long."""
    number = emulator.generate(f'{LONG_WORD} and more')
    browser.devtools('Emulation.setDeviceMetricsOverride', width=390, height=844,
                     deviceScaleFactor=1, mobile=True)
    try:
        open_page(browser, emulator)
        eventually('the long one is listed', lambda: LONG_WORD in browser.text(card(number)))
        browser.run('for (const box of document.querySelectorAll("details")) box.open = true')
        eventually('its request is shown', lambda: LONG_WORD in browser.text(card(number, 'pre')))
        width, wanted = browser.run(
            'return [innerWidth, document.documentElement.scrollWidth]')
        expect((width, wanted) == (390, 390), f'390 pixels suffice: {width}, {wanted}')
        small = browser.run('''return [...document.querySelectorAll('button, select, #prompt')]
            .filter((node) => node.offsetHeight > 0 && node.offsetHeight < 32)
            .map((node) => node.id || node.textContent)''')
        expect(small == [], f'fingers can press: {small}')
    finally:
        browser.devtools('Emulation.clearDeviceMetricsOverride')


class OtherSite(http.server.BaseHTTPRequestHandler):
    """A page that is none of ours."""

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(b'<!doctype html><title>Another site</title><link rel="icon" href="data:,">')

    def log_message(self, *_):
        pass


def test_other_sites(browser, emulator, folder):
    """Pages of other sites cannot drive an emulator without a key, under whatever name."""
    expect(emulator.generations() == [], 'there is none before')
    site = http.server.ThreadingHTTPServer(('127.0.0.1', 0), OtherSite)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        browser.open(f'http://127.0.0.1:{site.server_port}/')
        # What browsers let any page send without asking first; the answers cannot be read.
        browser.run('''const form = new FormData();
            form.append('content_resource[file]', new Blob([Uint8Array.from(arguments[1])]), 'a.png');
            const send = (path, body) => fetch(arguments[0] + path, {method: 'POST', mode: 'no-cors', body});
            return send('/v1/content_resources?agent_id=42', form).then(() =>
              send('/v1/autocontentengine/101/cells/3300/generate?agent_id=42',
                JSON.stringify({generation_type: 'video_from_ingredients',
                  data: {prompt: 'Not wanted', asset_resource_ids: [501]}}))).then(() => 'sent')''',
                    emulator.origin, list(png(8, 8)))
    finally:
        site.shutdown()
        thread.join()
        site.server_close()
    expect(emulator.call('GET', '/v1/content_resources?agent_id=42') == [], 'nothing was uploaded')
    expect(emulator.generations() == [], 'nothing was generated')
    # A name of the attacker's that resolves to this machine.
    browser.open(emulator.origin.replace('127.0.0.1', 'rebound.example') + '/')
    expect('forbidden' in browser.text('body'), 'the page is not given out under another name')
    # Under its own it is, and asks for no key.
    browser.open(emulator.origin + '/')
    eventually('the page is live', lambda: browser.text('#connection') == 'live')


def main():
    program = sys.argv[1]
    chromium = shutil.which('chromium')
    chromedriver = shutil.which('chromedriver')
    if not chromium or not chromedriver:
        print('1..0 # SKIP no chromium: examples/install-packages.sh --tests installs it')
        return 0
    tests = [test_key, test_generate, test_live, test_faults, test_today, test_use_again,
             test_keyboard, test_large_upload, test_cancel, test_delete, test_phone,
             test_other_sites]
    failed = False
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        driver = Driver(chromedriver, folder)
        stack.callback(driver.close)
        guarded = Emulator(program, '--api-key', KEY)
        stack.callback(guarded.close)
        unguarded = Emulator(program)
        stack.callback(unguarded.close)
        of_today = Emulator(program, '--api-key', KEY, '--dialect', 'today')
        stack.callback(of_today.close)
        emulators = {test_other_sites: unguarded, test_today: of_today}
        # The browser draws its controls of a video with data: URLs. What a page that was left had
        # asked for may be told after the next one has been opened.
        own = tuple(each.origin + '/' for each in (guarded, of_today)) + ('data:',)
        try:
            browser = Browser(driver, chromium, os.path.join(folder, 'profile'),
                              ['--host-resolver-rules=MAP rebound.example 127.0.0.1'])
        except Failure as failure:
            # As in a container without shared memory or processes of its own.
            reason = ' '.join(str(failure).split())
            print(f'1..0 # SKIP Chromium does not start on this machine: {reason}')
            return 0
        stack.callback(browser.close)
        print(f'1..{len(tests)}', flush=True)
        for number, test in enumerate(tests, 1):
            begun = time.monotonic()
            emulator = emulators.get(test, guarded)
            try:
                test(browser, emulator, folder)
                if test is not test_other_sites:
                    complaints = browser.complaints()
                    expect(complaints == [], f'the console is silent: {complaints}')
                    others = [url for url in browser.requested() if not url.startswith(own)]
                    expect(others == [], f'nothing is loaded from elsewhere: {others}')
            except Exception:  # each test is told, whatever it ends in
                failed = True
                print(f'not ok {number} - {test.__name__}')
                for line in traceback.format_exc().splitlines():
                    print('# ' + line)
                if os.environ.get('PAGE_TEST_PICTURES'):
                    browser.picture(os.path.join(os.environ['PAGE_TEST_PICTURES'],
                                                 f'{test.__name__}.png'))
                print('Bail out! The other tests go on from where this one ends.')
                break
            else:
                print(f'ok {number} - {test.__name__} ({time.monotonic() - begun:.1f} s)')
            sys.stdout.flush()
    return 1 if failed else 0


sys.exit(main())
