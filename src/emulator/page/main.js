// SPDX-License-Identifier: LGPL-2.1-or-later
import {followEvents, prepareKey} from './api.js';
import {credits, find, setText} from './dom.js';
import {loadFaults} from './faults.js';
import {loadForm} from './form.js';
import {loadGenerations, showGeneration} from './generations.js';
import {loadIngredients} from './ingredients.js';

function tell(isLive, text) {
  find('connection').classList.toggle('live', isLive);
  setText(find('connection'), text);
}
const report = (problem) => tell(false, problem.message);

async function loadAll() {
  // The rest asks in the name of the agent that the form has.
  await loadForm();
  await Promise.all([loadIngredients(), loadGenerations(), loadFaults()]);
  find('generate').disabled = find('files').disabled = false;
  tell(true, 'live');
}

// What the service says has changed, and what that means for the page.
const reactions = {
  generation: (entry) => showGeneration(entry),
  credit: ({credit}) => setText(find('credit'), credits(credit)),
  resources: () => loadIngredients().catch(report),
  form: () => loadForm().then(loadIngredients).catch(report),
  faults: () => loadFaults().catch(report),
  reload: () => loadAll().catch(report),
};

await prepareKey().catch(report);
followEvents(() => tell(false, 'not connected, trying again'),
  (name, value) => reactions[name]?.(value));
