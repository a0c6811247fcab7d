// What went wrong, in words: beside the field it is about, or in an alert with the trace id and a way to try again.
import { make } from './dom.js';
import { Unreachable } from './api.js';
import { hasWord, word } from './words.js';

/** How each alert box and each form says again what it shows, for when the language changes. */
const shown = new Map();
/** The errors that stand beside the fields of a form. */
const blamed = new WeakMap();

document.addEventListener('language', () => shown.forEach((again, element) => (element.isConnected ? again() : shown.delete(element))));

/** Shows an error in an alert box. `retry`, where given, is offered as a button; `advice` names a word. */
export function complain(box, error, { retry, advice } = {}) {
  const write = () => {
    const lines = [make('p', {}, [error.message, advice && word(advice)].filter(Boolean).join(' '))];
    for (const { field, detail } of error.unplaced ?? []) lines.push(make('p', {}, `${field}: ${detail}`));
    if (error.traceId) lines.push(make('p', { className: 'trace' }, `${word('traceId')} `, make('code', {}, error.traceId)));
    if (retry) lines.push(make('button', { type: 'button', className: 'quiet', onclick: retry }, word('tryAgain')));
    box.replaceChildren(...lines);
  };
  shown.set(box, write);
  write();
  box.hidden = false;
}

/** Empties an alert box. Whoever stood on its button is taken to the heading it belongs to, not to the top of the page. */
export function settle(box) {
  if (box.contains(document.activeElement)) box.closest('li, section')?.querySelector('[tabindex="-1"]')?.focus();
  shown.delete(box);
  box.hidden = true;
  box.replaceChildren();
}

/** Whether the same call may succeed later: no answer, too many calls, or Relay's own trouble. */
export function mayPass(error) {
  return error instanceof Unreachable || error.status === 429 || error.status >= 500;
}

/** What the API says of a field, and the word that says it in the reader's language. */
const KNOWN = [
  [/^the period has (\d+) days; at most (\d+)/, 'periodTooLong'],
  [/^the period ends on/, 'periodReversed'],
  [/does not exist in (\S+): its clocks/, 'daySkipped'],
  [/does not exist|is no date|is not a date/, 'noSuchDate'],
  [/^`(.*)` is not a zone/, 'noSuchZone'],
  [/^`(.*)` is not one plain mail address/, 'noAddress'],
  [/^mails go to addresses at (.+) only/, 'foreignDomain'],
  [/^no mail domain is registered/, 'noDomain'],
  [/^names (\d+); at most (\d+)/, 'tooManyNamed'],
  [/^`(.*)` is named twice/, 'namedTwice'],
  [/^two columns are named `(.*)` in the file/, 'namedTwice'],
  [/^has (\d+) items; at most (\d+)/, 'tooManyNamed'],
  [/is not registered as an app of yours/, 'foreignApp'],
  [/is for csv and csv\.gz/, 'excelForCsv'],
  [/has (\d+) values; at most (\d+)/, 'tooManyNamed'],
];

/** An error of a field in words: the page's own findings are `missing`, or `known` by a word. */
function words({ field, detail, missing, known }) {
  if (known) return word(known);
  if (missing || /^is required/.test(detail)) return hasWord(`missing_${field}`) ? word(`missing_${field}`) : word('missing');
  const [pattern, name] = KNOWN.find(([pattern]) => pattern.test(detail)) ?? [];
  return name ? word(name, ...detail.match(pattern).slice(1)) : detail;
}

/** The field as the form has it: an error of one column or filter stands beside all of them. */
const fieldOf = (error) => error.field.split(/[.[]/)[0];
const lineOf = (form, field) => form.querySelector(`#${CSS.escape(field)}-error`);

/**
 * Writes each error beside its field and moves the focus to the first; returns those whose field is not on the form.
 */
export function blame(form, errors) {
  blamed.set(form, errors.filter((error) => lineOf(form, fieldOf(error))));
  shown.set(form, () => writeErrors(form));
  writeErrors(form);
  const first = [...form.elements].find((control) => control.ariaInvalid === 'true');
  const besides = 'details:has(+ .error:not([hidden])) summary, fieldset:has(> .error:not([hidden])) :is(textarea, select)';
  (first ?? form.querySelector(besides))?.focus();
  return errors.filter((error) => !blamed.get(form).includes(error));
}

function writeErrors(form) {
  for (const [field, errors] of Map.groupBy(blamed.get(form), fieldOf)) {
    const line = lineOf(form, field);
    line.textContent = errors.map(words).join(' ');
    line.hidden = false;
    controls(form, field).forEach((control) => control.setAttribute('aria-invalid', 'true'));
  }
}

/** Takes the errors of one field away, or of all. */
export function absolve(form, field) {
  const gone = (blamed.get(form) ?? []).map(fieldOf).filter((one) => !field || one === field);
  blamed.set(form, (blamed.get(form) ?? []).filter((error) => !gone.includes(fieldOf(error))));
  for (const one of gone) {
    const line = lineOf(form, one);
    line.hidden = true;
    line.textContent = '';
    controls(form, one).forEach((control) => control.removeAttribute('aria-invalid'));
  }
}

const controls = (form, name) => [...form.elements].filter((control) => control.name === name);
