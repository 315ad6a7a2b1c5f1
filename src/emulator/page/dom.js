// SPDX-License-Identifier: LGPL-2.1-or-later
// Small tools to build the page with. Text always goes in as text, never as markup.

export const find = (id) => document.getElementById(id);

// element('p', {className: 'error', hidden: true}, 'text', otherElement)
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

// Sets a text only when it is another one: screen readers say what changes.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function say(node, text, isError = false) {
  node.classList.toggle('error', isError);
  setText(node, text);
}

// Files are shown from the origin of the page, under whatever name of it the service gave them out.
export function ownPath(url) {
  const parsed = new URL(url, location.href);
  return parsed.pathname + parsed.search;
}

export const credits = (number) => Number(number).toLocaleString('en', {maximumFractionDigits: 3});

export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString();

export const when = (milliseconds) => new Date(milliseconds).toLocaleString();

// A function that never runs twice at a time: calls that come meanwhile are answered by one more
// run after it. So what is shown is never older than what was shown before.
export function oneAtATime(action) {
  let running = null;
  let next = null;
  return function run() {
    if (running === null) {
      running = action().finally(() => { running = null; });
      return running;
    }
    next ??= running.catch(() => {}).then(() => {
      next = null;
      return run();
    });
    return next;
  };
}
