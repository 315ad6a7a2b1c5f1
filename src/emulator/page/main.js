// SPDX-License-Identifier: LGPL-2.1-or-later
import {followEvents, prepareKey} from './api.js';
import {credits, find, setText} from './dom.js';
import {loadFaults} from './faults.js';
import {loadForm, loadIngredients} from './form.js';
import {loadGenerations, showGeneration} from './generations.js';

const report = (problem) => setText(find('connection'), problem.message);

// What the service says has changed, and what that means for the page.
const reactions = {
  generation: (entry) => showGeneration(entry),
  credit: ({credit}) => setText(find('credit'), credits(credit)),
  resources: () => loadIngredients().catch(report),
  faults: () => loadFaults().catch(report),
  reload: () => Promise.all([loadForm(), loadIngredients(), loadGenerations(), loadFaults()])
    .catch(report),
};

await prepareKey().catch(report);
followEvents((isLive) => {
  const connection = find('connection');
  connection.classList.toggle('live', isLive);
  setText(connection, isLive ? 'live' : 'not connected, trying again');
}, (name, value) => reactions[name]?.(value));
