// SPDX-License-Identifier: LGPL-2.1-or-later
// The ingredients: which there are and which are chosen, their upload and their end.
import {call, callWithFile} from './api.js';
import {element, find, oneAtATime, ownPath, say, setText} from './dom.js';

const largest = 1024 ** 3;
const pageSize = 20;

const shown = new Map();  // by id
let chosen = [];          // their ids, in the order they were chosen
let pages = 1;
let waiting = [];         // files to upload
let current = null;       // breaks the upload off that goes on

const inNameOfAgent = () => new URLSearchParams({agent_id: find('agent').value});

function picture(resource) {
  if (resource.content_type.startsWith('image/')) {
    return element('img', {src: ownPath(resource.thumbnail_url ?? resource.url), alt: '', loading: 'lazy'});
  }
  if (resource.content_type.startsWith('video/')) {
    return element('video', {src: ownPath(resource.url), preload: 'metadata', muted: true, tabIndex: -1});
  }
  return element('span', {className: 'nothing'}, resource.content_type.split('/')[0]);
}

function showOrder() {
  for (const [id, {order}] of shown) {
    const place = chosen.indexOf(id);
    setText(order, place < 0 ? '' : String(place + 1));
  }
}

function choose(id, isChosen) {
  chosen = chosen.filter((other) => other !== id);
  if (isChosen) chosen.push(id);
  showOrder();
}

function makeIngredient(resource) {
  const box = element('input', {type: 'checkbox', checked: chosen.includes(resource.id)});
  box.addEventListener('change', () => choose(resource.id, box.checked));
  const name = element('span');
  const order = element('span', {className: 'order'});
  const end = element('button', {type: 'button'}, 'Delete');
  end.addEventListener('click', () => remove(resource.id));
  const item = element('li', {}, element('label', {}, box, picture(resource), name, order), end);
  item.dataset.id = resource.id;
  return {item, box, name, order, end, address: resource.url};
}

export const loadIngredients = oneAtATime(async () => {
  const query = inNameOfAgent();
  const resources = [];
  // Without an agent none can be asked for.
  let isLast = query.get('agent_id') === '';
  for (let page = 0; page < pages && !isLast; ++page) {
    query.set('page', page);
    const part = await call('GET', `/v1/content_resources?${query}`);
    resources.push(...part);
    isLast = part.length < pageSize;
  }
  const ids = new Set(resources.map(({id}) => id));
  for (const [id, {item}] of shown) {
    if (ids.has(id)) continue;
    item.remove();
    shown.delete(id);
    choose(id, false);
  }
  // Those that are there stay as they are, with the focus that one of them may have.
  let before = null;
  for (const resource of resources) {
    if (!shown.has(resource.id)) shown.set(resource.id, makeIngredient(resource));
    const {item, name, end} = shown.get(resource.id);
    setText(name, `${resource.file_name} (${resource.id})`);
    end.setAttribute('aria-label', `Delete ${name.textContent}`);
    const place = before === null ? find('ingredients').firstElementChild : before.nextElementSibling;
    if (place !== item) find('ingredients').insertBefore(item, place);
    before = item;
  }
  find('no-ingredients').hidden = resources.length > 0;
  find('ingredients-hint').hidden = resources.length === 0;
  find('more-ingredients').hidden = isLast;
  showOrder();
});

export const chosenIngredients = () => chosen;
export const addressOf = (id) => shown.get(id).address;

// Returns the ids that are not in the list.
export function chooseIngredients(ids) {
  chosen = ids.filter((id) => shown.has(id));
  for (const [id, {box}] of shown) box.checked = chosen.includes(id);
  showOrder();
  return ids.filter((id) => !shown.has(id));
}

const megabytes = (bytes) => `${(bytes / 1024 ** 2).toFixed(1)} MB`;

async function uploadOne(file) {
  if (file.size > largest) {
    throw new Error('larger than 1 GB, which is the most that the service takes. Choose a smaller file.');
  }
  const query = inNameOfAgent();
  query.set('file_name', file.name);
  const tell = (share) => {
    find('upload-progress').value = share;
    setText(find('upload-share'), `${Math.floor(share * 100)} % of ${megabytes(file.size)}`);
  };
  tell(0);
  const {content_resource: resource} =
    await callWithFile(`/_emulator/content_resources?${query}`, file, tell, current.signal);
  // It was uploaded to be used.
  if (!chosen.includes(resource.id)) chosen.push(resource.id);
}

async function upload(files) {
  waiting.push(...files);
  if (current !== null) return;
  current = new AbortController();
  const {signal} = current;
  const message = find('upload-message');
  const problems = [];
  let done = 0;
  find('uploading').hidden = false;
  while (waiting.length > 0) {
    const file = waiting.shift();
    say(message, `Uploading ${file.name}${waiting.length > 0 ? `, ${waiting.length} more to go` : ''}`);
    try {
      await uploadOne(file);
      ++done;
    } catch (problem) {
      if (signal.aborted) waiting = [];
      else problems.push(`${file.name}: ${problem.message}`);
    }
  }
  current = null;
  if (find('uploading').contains(document.activeElement)) find('files').focus();
  find('uploading').hidden = true;
  try {
    await loadIngredients();
  } catch (problem) {
    problems.push(problem.message);
  }
  for (const [id, {box}] of shown) box.checked = chosen.includes(id);
  const uploaded = done === 1 ? 'Uploaded.' : `${done} files uploaded.`;
  if (signal.aborted) say(message, done > 0 ? `${uploaded} The rest was cancelled.` : 'Cancelled.');
  else if (problems.length > 0) say(message, problems.join(' '), true);
  else say(message, uploaded);
}

// Resolves to whether the dialog was answered with its button of that name.
function confirmed(text) {
  const dialog = find('delete-dialog');
  setText(find('delete-text'), text);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    // That the question before was closed may be told when this one is open.
    dialog.onclose = () => dialog.open || resolve(dialog.returnValue === 'delete');
  });
}

async function remove(id) {
  const {item, name} = shown.get(id);
  const shownName = name.textContent;
  if (!await confirmed(`${shownName} goes for good. Clips made from it stay.`)) return;
  const message = find('upload-message');
  const next = item.nextElementSibling ?? item.previousElementSibling;
  try {
    await call('DELETE', `/v1/content_resources/${id}?${inNameOfAgent()}`);
    say(message, `${shownName} is deleted.`);
  } catch (problem) {
    say(message, problem.message, true);
  }
  await loadIngredients();
  // Whoever works with the keyboard goes on from there.
  if (!item.isConnected && document.activeElement === document.body) {
    (next?.isConnected ? next.querySelector('button') : find('files')).focus();
  }
}

find('files').addEventListener('change', (event) => {
  const files = [...event.target.files];
  // The same file may be chosen again.
  event.target.value = '';
  upload(files);
});
find('cancel-upload').addEventListener('click', () => current?.abort());
find('more-ingredients').addEventListener('click', () => {
  ++pages;
  loadIngredients();
});
