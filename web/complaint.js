// What went wrong, in words: beside the field it is about, or in an alert with the trace id and a way to try again.
import { make } from './dom.js';
import { Unreachable } from './api.js';

/** Shows an error in an alert box. `retry`, where given, is offered as a button. */
export function complain(box, error, { retry, advice } = {}) {
  const lines = [make('p', {}, [error.message, advice].filter(Boolean).join(' '))];
  for (const { field, detail } of error.unplaced ?? []) lines.push(make('p', {}, `${field}: ${detail}`));
  if (error.traceId) lines.push(make('p', { className: 'trace' }, 'Trace id ', make('code', {}, error.traceId)));
  if (retry) lines.push(make('button', { type: 'button', className: 'quiet', onclick: retry }, 'Try again'));
  box.replaceChildren(...lines);
  box.hidden = false;
}

/** Empties an alert box. Whoever stood on its button is taken to the heading it belongs to, not to the top of the page. */
export function settle(box) {
  if (box.contains(document.activeElement)) box.closest('li, section')?.querySelector('[tabindex="-1"]')?.focus();
  box.hidden = true;
  box.replaceChildren();
}

/** Whether the same call may succeed later: no answer, too many calls, or Relay's own trouble. */
export function mayPass(error) {
  return error instanceof Unreachable || error.status === 429 || error.status >= 500;
}

/**
 * Writes each error beside its field and moves the focus to the first; returns those whose field is not on the form.
 */
export function blame(form, errors) {
  const unplaced = [];
  for (const error of errors) {
    const line = form.querySelector(`#${CSS.escape(`${error.field}-error`)}`);
    if (!line) {
      unplaced.push(error);
      continue;
    }
    line.textContent = line.hidden ? error.detail : `${line.textContent} ${error.detail}`;
    line.hidden = false;
    controls(form, error.field).forEach((control) => control.setAttribute('aria-invalid', 'true'));
  }
  const first = [...form.elements].find((control) => control.ariaInvalid === 'true');
  first?.focus();
  return unplaced;
}

/** Takes the errors of one field away, or of all. */
export function absolve(form, field) {
  const lines = field ? [form.querySelector(`#${CSS.escape(`${field}-error`)}`)] : form.querySelectorAll('.error');
  for (const line of lines) {
    if (!line) continue;
    line.hidden = true;
    line.textContent = '';
    controls(form, line.id.slice(0, -'-error'.length)).forEach((control) => control.removeAttribute('aria-invalid'));
  }
}

const controls = (form, name) => [...form.elements].filter((control) => control.name === name);
