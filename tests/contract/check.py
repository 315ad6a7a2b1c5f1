#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the files of this folder, and what the emulator answers to them, with schema.json.

  check.py              the files
  check.py EMULATOR     the same, and that program
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parent
DEFINITIONS = json.loads((FOLDER / 'schema.json').read_text())['$defs']
CDN = 'https://cdn.gen.pro/uploads/'
problems = []


def check(name, value, definition):
    validator = jsonschema.Draft202012Validator(
        {'$defs': DEFINITIONS, '$ref': f'#/$defs/{definition}'})
    for error in validator.iter_errors(value):
        at = '/'.join(str(part) for part in error.absolute_path)
        problems.append(f'{name}: {at or "it"} is no {definition}: {error.message[:300]}')


def read(folder):
    for path in sorted((FOLDER / folder).glob('*.json')):
        yield f'{folder}/{path.name}', json.loads(path.read_text())


def check_files():
    for name, request in read('requests'):
        dialect = request['settings']['dialect']
        if request['body'] is not None:
            check(name, request['body'], f'request_{dialect}')
        check(name, request['answer'], 'results' if dialect == 'actions' else 'created')
    for name, price in read('prices'):
        is_estimate = 'body' in price
        if is_estimate:
            check(name, price['body'], 'request_estimate')
        check(name, price['answer'], 'estimate' if is_estimate else 'transactions')
    for name, answer in read('answers'):
        if answer['status'] in (202, 402):
            check(name, answer['body'], f'answer_{answer["status"]}')
        elif answer['status'] >= 300:
            check(name, answer['body'], 'refusal')


def ask(method, path, body=None, key=None):
    base = os.environ['GEN_API_BASE_URL']
    if path.startswith('/'):
        base, path = base.removesuffix('/v1'), path[1:]
    headers = {'X-API-Key': os.environ['GEN_API_KEY'], 'Content-Type': 'application/json'}
    if key:
        headers['Idempotency-Key'] = key
    request = urllib.request.Request(base + '/' + path,
                                     json.dumps(body).encode() if body is not None else None,
                                     headers, method=method)
    try:
        # The key is for the emulator alone, not for a proxy.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def with_own_ids(body, settings):
    """The body with the ids and addresses that its ingredients have in the emulator."""
    of_type = {'lipsync': (503, 504), 'remove_background': (503, 503)}
    ids = of_type.get(settings.get('generation-type'), (501, 502))
    text = json.dumps(body).replace(': 4821', f': {ids[0]}').replace('"value": 123', '"value": 700')
    for published, own in zip((501, 502), ids):
        address = ask('GET', f'content_resources/{own}?agent_id=42')[1]['url']
        text = text.replace(f'{CDN}{published}.png', address)
        text = text.replace(f'"value": {published}', f'"value": {own}')
    return json.loads(text)


def check_card(name, card):
    """Of a request that the emulator takes: it is as the emulator says that it has to be."""
    model = card['inputs'].get('model')
    query = f'?agent_id=42&card_type={card["type"]}' + (f'&model={model}' if model else '')
    answer = ask('GET', 'vidsheet/action_schema' + query)[1]
    check(f'{name}, its card', answer, 'action_schema')
    for error in jsonschema.Draft202012Validator(answer['generation_schema']).iter_errors(card['inputs']):
        problems.append(f'{name}: its card is not as the emulator says: {error.message[:300]}')


def check_live():
    ask('POST', 'vidsheet/101/global_variables?agent_id=42', {'key': 'a', 'value': '501'})
    ask('POST', 'vidsheet/101/cells/3300/layers?agent_id=42',
        {'name': 'a', 'type': 'image', 'additional_attributes': {'asset_resource_ids': [501]}})
    for name, request in read('requests'):
        if not request['emulator']:
            continue
        body = request['body'] and with_own_ids(request['body'], request['settings'])
        query = '?agent_id=42' if request['agent_in_query'] else ''
        status, answer = ask('POST', request['path'] + query, body, name)
        if status >= 300 or status == 202:
            problems.append(f'{name}: the emulator refuses it: {status} {answer}')
            continue
        is_action = 'results' in answer
        if is_action:
            check_card(name, body['actions'][0]['card'])
        check(f'{name}, answered', answer, 'results' if is_action else 'created')
        id_ = answer['results'][0]['result']['user_job_id'] if is_action else answer['generation_id']
        check(f'{name}, its record', ask('GET', f'generations/{id_}')[1], 'record')
        sheet = ask('GET', 'vidsheet/101/generations?agent_id=42')[1]
        check(f'{name}, the sheet', sheet, 'sheet_generations')
        if id_ not in [one['generation_id'] for one in sheet['generations']]:
            problems.append(f'{name}: the sheet does not list it')
        status, answer = ask('POST', f'generations/{id_}/stop', {'agent_id': 42})
        # What its files begin with cannot be rendered, and that may have been found out before.
        if answer.get('error_code') != 'job_cannot_be_stopped':
            check(f'{name}, stopped ({status})', answer, 'record')
        if body and 'generation_type' in body:
            job = {'user_job_type': body['generation_type'], 'data': body['data']}
            check(f'{name}, estimated',
                  ask('POST', 'user_jobs/estimate', {'agent_id': 42, 'user_job': job})[1], 'estimate')
    for name, price in read('prices'):
        if 'body' not in price:
            continue
        status, answer = ask('POST', price['path'], with_own_ids(price['body'], price['settings']))
        check(f'{name}, answered ({status})', answer, 'estimate')
    check('transactions', ask('GET', 'credit_transactions?agent_id=42&page=1')[1], 'transactions')
    for fault, value in (('not-ready', 'source_not_ready:retry-after=1'), ('payment-required', '500')):
        ask('POST', '/_emulator/faults', {'name': fault, 'value': value})
        status, answer = ask('POST', 'vidsheet/actions', {}, fault)
        check(fault, answer, f'answer_{status}')
        ask('DELETE', f'/_emulator/faults/{fault}')


def run_emulator(program):
    """Runs this script behind the emulator. What its files begin with is all that they have."""
    files = {'a.png': b'\x89PNG\r\n\x1a\n', 'b.png': b'\x89PNG\r\n\x1a\n', 'c.mp4': b'\0\0\0\x18ftypisom',
             'd.wav': b'RIFF\x24\0\0\0WAVEfmt '}
    with tempfile.TemporaryDirectory() as folder:
        command = [program, 'exec', '--latency=3600']
        for name, start in files.items():
            path = pathlib.Path(folder) / name
            path.write_bytes(start + name.encode() + bytes(100))
            command.append(f'--ingredient={path}')
        return subprocess.run([*command, '--', sys.executable, __file__, '--live'], check=False).returncode


if len(sys.argv) > 1 and sys.argv[1] != '--live':
    sys.exit(run_emulator(sys.argv[1]))
check_files()
if sys.argv[1:] == ['--live']:
    check_live()
print('\n'.join(problems) or 'All is as the contract has it.')
sys.exit(1 if problems else 0)
