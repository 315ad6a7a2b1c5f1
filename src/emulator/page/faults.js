// SPDX-License-Identifier: LGPL-2.1-or-later
// The faults as switches, whatever the service lists.
import {call} from './api.js';
import {element, find, oneAtATime, say, setText} from './dom.js';

const path = '/_emulator/faults';
const shown = new Map();  // by name

async function send(fault, enabled) {
  const message = find('faults-message');
  const value = fault.value?.value.trim();
  try {
    await call('POST', path, {json: {name: fault.name, enabled, ...(enabled && value ? {value} : {})}});
    say(message, `${fault.name} is ${enabled ? 'on' : 'off'}.`);
  } catch (problem) {
    say(message, problem.message, true);
  }
  await loadFaults();
}

function makeFault({name, description, syntax, value}) {
  const fault = {name};
  fault.box = element('input', {type: 'checkbox'});
  fault.box.setAttribute('role', 'switch');
  fault.box.addEventListener('change', () => send(fault, fault.box.checked));
  fault.acted = element('span', {className: 'order'});
  fault.item = element('li', {},
    element('label', {}, fault.box, element('span', {}, name), fault.acted),
    element('p', {}, description ?? ''));
  if (value !== undefined) {
    fault.value = element('input', {autocomplete: 'off', spellcheck: false, title: syntax ?? ''});
    fault.value.setAttribute('aria-label', `Value of ${name}`);
    // Enter, or leaving the field, changes a fault that is on. One that is off keeps the value for
    // its switch.
    fault.value.addEventListener('change', () => {
      if (fault.box.checked) send(fault, true);
    });
    fault.item.append(fault.value);
    if (syntax) fault.item.append(element('p', {}, element('code', {}, syntax)));
  }
  return fault;
}

export const loadFaults = oneAtATime(async () => {
  const faults = (await call('GET', path))?.faults ?? [];
  let enabled = 0;
  for (const entry of faults) {
    if (!shown.has(entry.name)) {
      const made = makeFault(entry);
      shown.set(entry.name, made);
      find('faults').append(made.item);
    }
    const fault = shown.get(entry.name);
    fault.box.checked = entry.enabled === true;
    if (fault.box.checked) ++enabled;
    setText(fault.acted, !entry.acted ? '' : entry.acted === 1 ? 'acted once' : `acted ${entry.acted} times`);
    // What somebody is typing is left alone.
    const isTyping = document.activeElement === fault.value && fault.value.value !== fault.known;
    if (fault.value && !isTyping) fault.value.value = fault.known = entry.value ?? '';
  }
  setText(find('faults-on'), enabled > 0 ? `(${enabled} on)` : '');
});
