// SPDX-License-Identifier: LGPL-2.1-or-later
// The form: what to generate, from which ingredients, and their upload.
import {call, freshToken} from './api.js';
import {element, find, oneAtATime, ownPath, say, setText} from './dom.js';

const largest = 50 * 1024 * 1024;
const pageSize = 20;

const shown = new Map();  // ingredients by id
let chosen = [];          // their ids, in the order they were chosen
let pages = 1;

// Options of a select, keeping what is selected and the options that were in the page.
function setOptions(select, options) {
  const before = select.value;
  for (const old of select.querySelectorAll('option[data-made]')) old.remove();
  for (const {value, text} of options) {
    const option = element('option', {value}, text);
    option.dataset.made = '';
    select.append(option);
  }
  if (options.some(({value}) => value === before)) select.value = before;
}

export async function loadForm() {
  const {agents, cells, models, aspect_ratios: ratios} = await call('GET', '/_emulator/form');
  setOptions(find('agent'), agents.map(({id, name}) => ({value: String(id), text: name || id})));
  setOptions(find('cell'), cells.map((cell) => ({
    value: JSON.stringify([cell.sheet_id, cell.cell_id]),
    text: `${cell.sheet_title}: ${cell.column_title || 'cell'} (${cell.cell_id})`,
  })));
  setOptions(find('model'), models.map(({name, credits_per_second: price}) => ({
    value: name, text: `${name} (${price} a second)`,
  })));
  setOptions(find('ratio'), ratios.map((ratio) => ({value: ratio, text: ratio})));
}

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
  const item = element('li', {}, element('label', {}, box, picture(resource), name, order));
  item.dataset.id = resource.id;
  return {item, box, name, order};
}

export const loadIngredients = oneAtATime(async () => {
  const query = new URLSearchParams({agent_id: find('agent').value});
  const resources = [];
  let isLast = false;
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
    const {item, name} = shown.get(resource.id);
    setText(name, `${resource.file_name} (${resource.id})`);
    const place = before === null ? find('ingredients').firstElementChild : before.nextElementSibling;
    if (place !== item) find('ingredients').insertBefore(item, place);
    before = item;
  }
  find('no-ingredients').hidden = resources.length > 0;
  find('more-ingredients').hidden = isLast;
  showOrder();
});

async function upload(files) {
  const message = find('upload-message');
  const problems = [];
  let number = 0;
  for (const file of files) {
    say(message, `Uploading ${file.name} (${++number} of ${files.length})`);
    if (file.size > largest) {
      problems.push(`${file.name} is larger than 50 MB. Use POST /v1/direct_upload for it.`);
      continue;
    }
    const form = new FormData();
    form.append('content_resource[file]', file);
    try {
      const query = new URLSearchParams({agent_id: find('agent').value});
      const {content_resource: resource} = await call('POST', `/v1/content_resources?${query}`, {form});
      // It was uploaded to be used.
      if (!chosen.includes(resource.id)) chosen.push(resource.id);
    } catch (problem) {
      problems.push(`${file.name}: ${problem.message}`);
    }
  }
  find('files').value = '';
  await loadIngredients();
  for (const [id, {box}] of shown) box.checked = chosen.includes(id);
  if (problems.length > 0) say(message, problems.join(' '), true);
  else say(message, number === 1 ? 'Uploaded.' : `${number} files uploaded.`);
}

// The request, with nothing in it that was left open: the cell's own settings apply then.
function request() {
  const data = {};
  const text = (name, field) => {
    const value = find(field).value.trim();
    if (value !== '') data[name] = value;
  };
  text('prompt', 'prompt');
  text('prompt_var', 'prompt-var');
  text('model', 'model');
  text('aspect_ratio', 'ratio');
  data.asset_resource_ids = chosen;
  if (find('duration').value !== '') data.duration = Number(find('duration').value);
  const names = find('resource-vars').value.split(',').map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length > 0) data.content_resource_vars = names;
  return {generation_type: 'video_from_ingredients', data};
}

async function generate() {
  const message = find('form-message');
  const [sheet, cell] = JSON.parse(find('cell').value || '[]');
  if (cell === undefined) {
    say(message, 'There is no cell to generate in. Add one with --cell.', true);
    return;
  }
  find('generate').disabled = true;
  say(message, 'Asking');
  try {
    const path = `/v1/autocontentengine/${encodeURIComponent(sheet)}/cells/${encodeURIComponent(cell)}` +
      `/generate?${new URLSearchParams({agent_id: find('agent').value})}`;
    const answer = await call('POST', path,
      {json: request(), headers: {'Idempotency-Key': freshToken()}});
    say(message, `Generation ${answer.generation_id} is on its way.`);
  } catch (problem) {
    say(message, problem.message, true);
  } finally {
    find('generate').disabled = false;
  }
}

// Fills the form with an earlier request.
export function useAgain(entry) {
  find('prompt').value = entry.prompt;
  find('model').value = entry.model;
  find('ratio').value = entry.aspect_ratio;
  find('duration').value = entry.duration;
  chosen = entry.asset_resource_ids.filter((id) => shown.has(id));
  for (const [id, {box}] of shown) box.checked = chosen.includes(id);
  showOrder();
  find('prompt').focus();
}

find('form').addEventListener('submit', (event) => {
  event.preventDefault();
  generate();
});
find('files').addEventListener('change', (event) => upload([...event.target.files]));
find('more-ingredients').addEventListener('click', () => {
  ++pages;
  loadIngredients();
});
