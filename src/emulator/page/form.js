// SPDX-License-Identifier: LGPL-2.1-or-later
// The form: what to generate, where, and from what.
import {call, freshToken} from './api.js';
import {element, find, say} from './dom.js';
import {addressOf, chooseIngredients, chosenIngredients} from './ingredients.js';

const noAgent = 'There is no agent. Make one with POST /v1/agents, or start the emulator with --agent.';

export let isOfToday = false;  // else the form speaks the seed's dialect
let ratiosOf = new Map();  // a model's name: the aspect ratios that it takes

// Those of the model that is chosen; of any where the cell decides.
function ratiosOffered() {
  const chosen = ratiosOf.get(find('model').value);
  return chosen ?? [...new Set([...ratiosOf.values()].flat())];
}

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

function offerRatios() {
  setOptions(find('ratio'), ratiosOffered().map((ratio) => ({value: ratio, text: ratio})));
}

export async function loadForm() {
  const {dialect, agents, cells, models} = await call('GET', '/_emulator/form');
  isOfToday = dialect === 'today';
  ratiosOf = new Map(models.map(({name, aspect_ratios: ratios}) => [name, ratios]));
  find('variables').hidden = isOfToday;
  setOptions(find('agent'), agents.map(({id, name}) => ({value: String(id), text: name || id})));
  setOptions(find('cell'), cells.map((cell) => ({
    value: JSON.stringify([cell.sheet_id, cell.cell_id]),
    text: `${cell.sheet_title}: ${cell.column_title || 'cell'} (${cell.cell_id})`,
  })));
  setOptions(find('model'), models.map(({name, credits_per_second: price}) => ({
    value: name, text: `${name} (${price} a second)`,
  })));
  offerRatios();
  const message = find('form-message');
  if (agents.length === 0) say(message, noAgent, true);
  else if (message.textContent === noAgent) say(message, '');
}

// The request, with nothing in it that was left open: the cell's own settings apply then.
function request() {
  const data = {};
  const text = (name, field) => {
    const value = find(field).value.trim();
    if (value !== '') data[name] = value;
  };
  text('prompt', 'prompt');
  text('model', 'model');
  text('aspect_ratio', 'ratio');
  if (find('duration').value !== '') data.duration = Number(find('duration').value);
  if (isOfToday) {
    data.images = chosenIngredients().map((id) => ({value: addressOf(id)}));
    return {generation_type: 'video_from_ingredients', data};
  }
  text('prompt_var', 'prompt-var');
  data.asset_resource_ids = chosenIngredients();
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
  // The service would say so as well, in the words of its API.
  const body = request();
  if (!body.data.prompt && !body.data.prompt_var) {
    say(message, 'Describe the video in the prompt first.', true);
    find('prompt').focus();
    return;
  }
  if (chosenIngredients().length === 0 && !body.data.content_resource_vars) {
    say(message, 'Tick an ingredient first, or upload one.', true);
    find('files').focus();
    return;
  }
  find('generate').disabled = true;
  say(message, 'Asking');
  try {
    const route = isOfToday ? 'vidsheet' : 'autocontentengine';
    const path = `/v1/${route}/${encodeURIComponent(sheet)}/cells/${encodeURIComponent(cell)}` +
      `/generate?${new URLSearchParams({agent_id: find('agent').value})}`;
    const answer = await call('POST', path,
      {json: body, headers: {'Idempotency-Key': freshToken()}});
    say(message, `Generation ${answer.generation_id} is on its way. `);
    // On a phone the list is far below.
    message.append(element('a', {href: `#generation-${answer.generation_id}`}, 'Go to it'));
  } catch (problem) {
    say(message, problem.message, true);
  } finally {
    find('generate').disabled = false;
  }
}

// Whether the form has all that the request of a generation says.
export const canUseAgain = (entry) => entry.generation_type === undefined
  && entry.resolution === undefined && entry.native_audio === undefined
  && (ratiosOf.get(entry.model) ?? []).includes(entry.aspect_ratio);

// Fills the form with such a request.
export function useAgain(entry) {
  find('prompt').value = entry.prompt;
  find('model').value = entry.model;
  offerRatios();
  find('ratio').value = entry.aspect_ratio;
  find('duration').value = entry.duration;
  const missing = chooseIngredients(entry.asset_resource_ids);
  if (missing.length === 0) say(find('form-message'), '');
  else {
    say(find('form-message'), `Not in the list of ingredients, and left out: ${missing.join(', ')}.`, true);
  }
  find('prompt').focus();
}

find('model').addEventListener('change', offerRatios);
find('form').addEventListener('submit', (event) => {
  event.preventDefault();
  generate();
});
