// Asking: the form is sent, once or as a recurring export, and what comes of it is said and shown beside it.
import { Unreachable } from './api.js';
import { absolve, blame, complain, mayPass, settle } from './complaint.js';
import { find, make, whileBusy } from './dom.js';
import { AskForm } from './form.js';
import { openPicture } from './picture.js';
import { openPreview } from './preview.js';
import { Following } from './watch.js';
import { count, kindName, listed, moment, period, word } from './words.js';

/** What must not be empty when anything is sent; a recurring export has no dates, and the usual columns are not named. */
const NEEDED = ['app_token', 'kind', 'start_date', 'end_date', 'timezone', 'columns', 'email'];

/** Opens the form for an account. */
export function openAsk({ api, account, signal }) {
  const form = find('#ask-form');
  settle(find('#ask-alert'));
  const ask = new Ask({ api, account, signal }, new AskForm(account, signal));
  form.addEventListener('input', (event) => ask.changed(event.target), { signal });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    whileBusy(find('#submit'), () => ask.submit());
  }, { signal });
  find('#preview-button').addEventListener('click', (event) => whileBusy(event.target, () => ask.preview()), { signal });
  document.addEventListener('language', () => ask.retell(), { signal });
  return ask;
}

class Ask {
  #api;
  #form;
  #element = find('#ask-form');
  #picture;
  #preview;
  #said = null;
  #asked;

  constructor({ api, account, signal }, form) {
    this.#api = api;
    this.#form = form;
    this.#picture = openPicture({ api, signal, read: () => this.#timed(), most: account.limits.max_export_days });
    this.#preview = openPreview({ api, signal, read: () => this.#withoutMail(), refused: (error) => this.#refused(error) });
    this.#asked = new Following(api, signal, find('#asked'), (one) => this.fill(one));
    this.#answer(null);
  }

  fill(request) {
    this.#form.fill(request);
    this.#answer(null);
    find('#ask-title').focus();
  }

  shown() {
    this.#picture.follow();
    this.#asked.start();
  }

  hidden() {
    this.#asked.stop();
  }

  retell() {
    this.#answer(this.#said);
    this.#asked.retell();
  }

  changed(target) {
    const { name } = target;
    // What is wrong with a period may be said beside either end.
    if (name === 'start_date' || name === 'end_date') ['start_date', 'end_date'].forEach((end) => absolve(this.#element, end));
    else if (name) absolve(this.#element, name);
    else absolve(this.#element, target.closest?.('#filters, #columns')?.id ?? 'none');
    this.#picture.follow();
    this.#preview.stale();
  }

  /** A recurring export has no dates of its own: its picture and preview are those of the dates the form still has. */
  #timed() {
    const { frequency: _, delay_minutes: __, ...request } = this.#form.read();
    const { start_date: start, end_date: end } = this.#element.elements;
    return { ...request, start_date: start.value, end_date: end.value };
  }

  #withoutMail() {
    const { email: _, ...request } = this.#timed();
    return request;
  }

  #missing(request, needed) {
    absolve(this.#element);
    const missing = needed.filter((field) => request[field]?.length === 0);
    blame(this.#element, missing.map((field) => ({ field, missing: true })));
    return missing.length > 0;
  }

  async preview() {
    if (this.#missing(this.#timed(), NEEDED.slice(0, -1))) return;
    await this.#preview.look();
  }

  async submit() {
    settle(find('#ask-alert'));
    this.#answer(null);
    const request = this.#form.read();
    const isAgain = 'frequency' in request;
    if (this.#missing(request, NEEDED)) return;
    try {
      const reply = await (isAgain ? this.#api.schedule(request) : this.#api.ask(request));
      this.#answer({ request, reply });
      if (reply.export_id) this.#asked.add(reply.export_id);
    } catch (error) {
      this.#failed(error, isAgain);
    }
  }

  /** Writes what belongs beside the fields there; whether that was all of it. */
  #refused(error) {
    if (error.name === 'AbortError' || error.status === 401) return true;
    error.unplaced = blame(this.#element, error.fields ?? []);
    return error.fields?.length > 0 && error.unplaced.length === 0;
  }

  #failed(error, isAgain) {
    if (this.#refused(error)) return;
    const lost = error instanceof Unreachable;
    complain(find('#ask-alert'), error, {
      advice: lost ? (isAgain ? 'perhaps_schedule' : 'perhaps_export') : '',
      retry: mayPass(error) ? () => this.#element.requestSubmit() : undefined,
    });
  }

  #answer(said) {
    this.#said = said;
    const box = find('#ask-answer');
    const [tone, text, link] = said ? told(said) : ['', ''];
    box.className = `answer ${tone}`;
    box.replaceChildren(text, ...(link ? [' ', make('a', { href: link[0] }, word(link[1]))] : []));
  }
}

/** What became of a request: its tone, its words, and where to go on. */
function told({ request, reply }) {
  const to = listed([request.email].flat());
  if (reply.schedule_id) return ['good', word('scheduled', moment(reply.next_run_at), to), ['#/recurring', 'recurringTitle']];
  if (reply.status === 'empty') {
    return ['notice', word('nothingFound', kindName(request.kind), request.app_token, period(request.start_date, request.end_date), request.timezone)];
  }
  const link = [`#/exports/${reply.export_id}`, 'watchIt'];
  if (reply.status !== 'queued') return ['good', word('askedBefore'), link];
  const place = reply.position > 1 ? word('numberInLine', count(reply.position)) : '';
  if (reply.warnings) return ['notice', [word('asked'), place, word('butNoMail'), reply.warnings.join('; ')].filter(Boolean).join(' '), link];
  return ['good', [word('asked'), place, word('mailGoesTo', to)].filter(Boolean).join(' '), link];
}
