// The little of the DOM that every part of the page needs. Data enters as text only, never as markup.

export const find = (selector) => document.querySelector(selector);

/** An element with properties (attributes where the name has a dash, or is `role`) and children (elements or text). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** The same for drawings: everything is an attribute. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets text only when it differs, so that a live region does not speak twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What stands where something is still to come. */
export const bones = (count) => Array.from({ length: count }, () => make('i', { className: 'bone' }));

/** A table with a header row; a column whose first cell is a `.number` stands to the right. */
export function table(caption, header, rows) {
  const isNumber = (at) => rows[0]?.[at]?.className === 'number';
  const cell = (tag, value, at, more) => make(tag, { className: isNumber(at) ? 'number' : '', ...more }, value);
  return make('table', {},
    make('caption', { className: 'unseen' }, caption),
    make('thead', {}, make('tr', {}, ...header.map((one, at) => cell('th', one, at, { scope: 'col' })))),
    make('tbody', {}, ...rows.map((row) => make('tr', {}, ...row.map((one, at) => cell('td', one, at))))));
}

/** A figure in a table. */
export const figure = (text) => make('span', { className: 'number' }, text);

/** What may be wider or longer than its place: it scrolls by itself, also by keys. */
export const scroller = (label, inside) => make('div', { className: 'scroll', tabIndex: 0, role: 'group', ariaLabel: label }, inside);

/** A term and what it is, for a `dl`. */
export const fact = (term, ...what) => make('div', {}, make('dt', {}, term), make('dd', {}, ...what));

/**
 * Marks a control as busy without taking the focus from it, runs the work, and ignores presses meanwhile.
 */
export async function whileBusy(button, work) {
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true';
  try {
    await work();
  } finally {
    button.ariaDisabled = null;
  }
}

/** Copies a text and says so on the button for a moment. */
export async function copy(button, text, done) {
  const before = button.textContent;
  await navigator.clipboard.writeText(text);
  say(button, done);
  setTimeout(() => say(button, before), 2000);
}
