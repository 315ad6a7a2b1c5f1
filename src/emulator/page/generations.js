// SPDX-License-Identifier: LGPL-2.1-or-later
// The list of generations, newest first, and what was said about each.
import {call, freshToken} from './api.js';
import {clock, credits, element, find, oneAtATime, ownPath, say, setText, when} from './dom.js';
import {canUseAgain, isOfToday, useAgain} from './form.js';

const cards = new Map();  // by id
const hasEnded = (status) => !['pending', 'processing'].includes(status);

function exchangeView(exchange) {
  const {method, target, headers, request, status, answer, arrived, times} = exchange;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const repeated = times > 1 ? `, ${times} times until ${clock(exchange.last_at_ts)}` : '';
  return element('div', {className: 'exchange'},
    element('h3', {}, `${clock(exchange.first_at_ts)}${repeated}`),
    element('pre', {}, [`${method} ${target}`, ...lines].join('\n') + (request ? `\n\n${request}` : '')),
    element('pre', {}, `${status}${arrived ? '' : ', lost on its way by a fault'}\n\n${answer}`));
}

class Card {
  constructor(entry) {
    this.id = entry.generation.id;
    this.picture = element('div', {className: 'picture'});
    this.status = element('span', {className: 'status'});
    this.time = element('span', {className: 'facts'});
    this.prompt = element('p', {className: 'prompt'});
    this.facts = element('p', {className: 'facts'});
    this.progress = element('progress', {max: 1});
    this.progress.setAttribute('aria-label', `Progress of generation ${this.id}`);
    this.reason = element('p', {className: 'error'});
    this.message = element('p', {className: 'error'});
    this.message.setAttribute('role', 'status');
    this.stop = this.button('Stop', () => this.act('stop'));
    this.resume = this.button('Continue', () => this.act('continue'));
    this.again = this.button('Use again', () => useAgain(this.entry));
    this.exchanges = element('div');
    this.details = element('details', {},
      element('summary', {}, 'Request and answers'), this.exchanges);
    this.details.addEventListener('toggle', () => this.loadExchanges());
    this.item = element('li', {}, element('article', {}, this.picture,
      element('div', {},
        element('div', {className: 'title'},
          element('h3', {}, `Generation ${this.id}`), this.status, this.time),
        this.prompt, this.facts, this.progress, this.reason,
        element('div', {className: 'buttons'}, this.stop, this.resume, this.again), this.message),
      this.details));
    this.item.dataset.id = this.id;
    this.item.id = `generation-${this.id}`;
    this.show(entry);
  }

  button(text, action) {
    const made = element('button', {type: 'button'}, text);
    made.setAttribute('aria-label', `${text}: generation ${this.id}`);
    made.addEventListener('click', action);
    return made;
  }

  show(entry) {
    const before = this.entry?.generation.status;
    this.entry = entry;
    const {status, failed_reason: reason} = entry.generation;
    this.status.className = `status ${status}`;
    setText(this.status, status);
    setText(this.time, when(entry.created_at_ts));
    setText(this.prompt, entry.prompt);
    const cost = status === 'completed' ? `cost ${credits(entry.generation.execution_cost)}`
      : hasEnded(status) ? 'refunded' : `${credits(entry.charged)} charged`;
    setText(this.facts, [entry.model, entry.aspect_ratio, `${entry.duration} s`, cost,
      `ingredients ${entry.asset_resource_ids.join(', ')}`,
      entry.cell_id === null ? 'no cell' : `cell ${entry.cell_id}`].join(' · '));
    setText(this.reason, reason ?? '');
    this.progress.hidden = hasEnded(status);
    this.stop.hidden = hasEnded(status);
    this.again.hidden = !canUseAgain(entry);
    this.resume.hidden = status !== 'stopped' && (isOfToday || status !== 'failed');
    if (status === 'processing' && entry.progress !== null) this.progress.value = entry.progress;
    else this.progress.removeAttribute('value');
    this.showPicture(entry.generation);
    if (before !== undefined && before !== status) {
      setText(find('announcement'), `Generation ${this.id} is ${status}.`);
      this.loadExchanges();
    }
  }

  showPicture({status, output_resources: outputs}) {
    const output = outputs.find(({object_type: type}) => type.toLowerCase() === 'video');
    if (!output) {
      this.video = null;
      this.picture.replaceChildren(element('div', {className: 'nothing'},
        hasEnded(status) ? 'no clip' : status));
      return;
    }
    // One that is being played stays.
    if (this.video && new URL(this.video.src).pathname === ownPath(output.url).split('?')[0]) return;
    this.video = element('video', {
      src: ownPath(output.url), poster: ownPath(output.thumbnail_url), controls: true,
      preload: 'none', playsInline: true,
    });
    this.video.setAttribute('aria-label', `Clip of generation ${this.id}`);
    this.video.addEventListener('error', () => this.renewAddress(), {once: true});
    this.picture.replaceChildren(this.video);
  }

  // The address of a clip may have expired. The service gives out a fresh one.
  async renewAddress() {
    try {
      const {output_resources: outputs} =
        await call('GET', `/_emulator/generations/${this.id}`).then((all) => all.generation);
      const again = ownPath(outputs[0].url);
      if (again !== ownPath(this.video.src)) this.video.src = again;
    } catch (problem) {
      say(this.message, problem.message, true);
    }
  }

  async act(verb) {
    say(this.message, '');
    try {
      await call('POST', `/v1/generations/${this.id}/${verb}`,
        {headers: {'Idempotency-Key': freshToken()}});
    } catch (problem) {
      say(this.message, problem.message, true);
    }
  }

  async loadExchanges() {
    if (!this.details.open) return;
    try {
      const {request, exchanges} = await call('GET', `/_emulator/generations/${this.id}/exchanges`);
      const asked = exchanges.some(({method, target}) =>
        method === 'POST' && !target.startsWith('/v1/generations/'));
      const views = exchanges.map(exchangeView);
      if (!asked) {
        views.unshift(element('div', {className: 'exchange'},
          element('h3', {}, 'The request, which no recorded call brought (autoGenerate, or long ago)'),
          element('pre', {}, JSON.stringify(request))));
      }
      this.exchanges.replaceChildren(...views);
    } catch (problem) {
      this.exchanges.replaceChildren(element('p', {className: 'error'}, problem.message));
    }
  }
}

// Shows a new generation, or what is new of one.
export function showGeneration(entry, isOlder = false) {
  const {id} = entry.generation;
  if (cards.has(id)) {
    cards.get(id).show(entry);
    return;
  }
  // One that is older than what is shown has its place behind a button.
  const known = [...cards.keys()];
  if (!isOlder && known.length > 0 && id < Math.min(...known)) return;
  const card = new Card(entry);
  cards.set(id, card);
  const next = [...find('generations').children].find((item) => Number(item.dataset.id) < id);
  find('generations').insertBefore(card.item, next ?? null);
  find('no-generations').hidden = true;
}

export const loadGenerations = oneAtATime(async () => {
  const {generations, has_more: hasMore} = await call('GET', '/_emulator/generations');
  const ids = new Set(generations.map(({generation}) => generation.id));
  const oldest = Math.min(...ids);
  for (const [id, card] of cards) {
    // After a gap the list starts anew, and so it does with another store behind the same address.
    if (ids.has(id) || (id < oldest && cards.has(oldest))) continue;
    card.item.remove();
    cards.delete(id);
  }
  for (const entry of generations) showGeneration(entry, true);
  find('no-generations').hidden = cards.size > 0;
  if (cards.size <= generations.length) find('more-generations').hidden = !hasMore;
});

find('more-generations').addEventListener('click', async () => {
  const {generations, has_more: hasMore} =
    await call('GET', `/_emulator/generations?before=${Math.min(...cards.keys())}`);
  for (const entry of generations) showGeneration(entry, true);
  find('more-generations').hidden = !hasMore;
});
