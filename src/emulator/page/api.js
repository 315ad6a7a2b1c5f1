// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests, with the key where there is one, and the stream of events.
import {find, setText} from './dom.js';

const storedAs = 'genpro-api-key';
let key = sessionStorage.getItem(storedAs) ?? '';
let asking = null;

// Opens the dialog, once for all who wait for it.
function askForKey(problem) {
  asking ??= new Promise((resolve) => {
    const dialog = find('key-dialog');
    setText(find('key-message'), problem);
    find('key-form').onsubmit = () => {
      key = find('key').value.trim();
      find('key').value = '';
      sessionStorage.setItem(storedAs, key);
      asking = null;
      resolve();
    };
    // There is nothing to go back to without a key.
    dialog.oncancel = (event) => event.preventDefault();
    dialog.showModal();
  });
  return asking;
}

// Asks for the key if there is one and it is not known.
export async function prepareKey() {
  const settings = await (await fetch('/page/settings.json')).json();
  if (settings.key_required && key === '') await askForKey('');
}

async function send(method, path, options) {
  for (;;) {
    const used = key;
    const headers = {...options.headers};
    if (used !== '') headers['X-API-Key'] = used;
    const answer = await fetch(path, {
      method, headers, body: options.body, signal: options.signal, cache: 'no-store',
    });
    if (answer.status !== 401) return answer;
    // Another request may have asked in the meantime.
    if (used === key) await askForKey('That is not the key of this emulator.');
  }
}

// The JSON of an answer. Throws an Error with the service's own words.
function result(status, text) {
  let value = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    // Said below.
  }
  if (status >= 200 && status < 300) return value;
  const error = new Error(value?.error ?? `The emulator answered ${status}.`);
  error.status = status;
  throw error;
}

export async function call(method, path, {json, headers = {}, signal} = {}) {
  const options = {headers: {...headers}, signal};
  if (json !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(json);
  }
  const answer = await send(method, path, options);
  return result(answer.status, await answer.text());
}

// fetch() does not tell how far a body has come.
function sendFile(path, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const used = key;
    request.open('POST', path);
    if (used !== '') request.setRequestHeader('X-API-Key', used);
    request.upload.onprogress = ({loaded, total}) => onProgress(loaded / total);
    request.onload = () => resolve({status: request.status, text: request.responseText, used});
    request.onerror = () => reject(new Error(
      'The upload broke off. Either the emulator has ended, or the file cannot be read.'));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

// POSTs a file as it is. Calls `onProgress` with the share that has been sent; `signal` breaks it
// off.
export async function callWithFile(path, file, onProgress, signal) {
  for (;;) {
    const {status, text, used} = await sendFile(path, file, onProgress, signal);
    if (status !== 401) return result(status, text);
    if (used === key) await askForKey('That is not the key of this emulator.');
  }
}

// A text that no other request has had.
export function freshToken() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// EventSource cannot send a key, so this reads the stream itself. Calls `onEvent(name, value)` for
// each event and returns when the stream has ended.
async function readEvents(signal, onOpen, onEvent) {
  const answer = await send('GET', '/_emulator/events', {signal});
  if (!answer.ok) throw new Error(`The emulator answered ${answer.status}.`);
  onOpen();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const field = (name) => block.split('\n').find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2);
      if (field('event')) onEvent(field('event'), JSON.parse(field('data')));
    }
  }
}

// Follows the events for as long as the page is seen: browsers open few connections to one server,
// and a page in the background would keep one of them.
export function followEvents(onEnd, onEvent) {
  let current = null;
  let pause = 0;
  const run = async () => {
    if (current !== null || document.hidden) return;
    const mine = current = new AbortController();
    try {
      await readEvents(mine.signal, () => {
        pause = 0;
      }, onEvent);
    } catch {
      // Tried again below, whatever it was.
    }
    if (current !== mine) return;
    current = null;
    onEnd();
    pause = Math.min(10, pause * 2 + 1);
    setTimeout(run, pause * 1000);
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      current?.abort();
      current = null;
    } else {
      pause = 0;
      run();
    }
  });
  run();
}
