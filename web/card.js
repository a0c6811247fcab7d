// One export on the list: what was asked, where it stands, and what can be done with it.
import { complain, settle } from './complaint.js';
import { make, say, whileBusy } from './dom.js';
import { count, counted, kindName, moment, period, size, statusName } from './words.js';

/** A card keeps its elements and changes their text, so that focus and selection survive each look. */
export class Card {
  #api;
  #changed;
  #export = null;
  #title = make('h3', { tabIndex: -1 });
  #app = make('code');
  #pill = make('span', { className: 'pill' });
  #asked = make('p', { className: 'asked' });
  #bar = make('progress', { max: 1 });
  #facts = make('p', { className: 'facts' });
  #trace = make('p', { className: 'trace' });
  #alert = make('div', { className: 'alert', role: 'alert', hidden: true });
  #cancel = make('button', { type: 'button', className: 'quiet' }, 'Cancel');
  #fresh = make('button', { type: 'button', className: 'quiet' }, 'Get a fresh link');
  #link = make('a', { className: 'button', target: '_blank', rel: 'noopener noreferrer', hidden: true });
  #files = make('ul', { className: 'files', hidden: true });
  #linkNote = make('p', { className: 'hint', role: 'status' });

  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    this.#cancel.addEventListener('click', () => this.#do(this.#cancel, () => this.#stop()));
    this.#fresh.addEventListener('click', () => this.#do(this.#fresh, () => this.#renew()));
    const head = make('div', { className: 'card-head' }, this.#title, this.#pill);
    const actions = make('div', { className: 'actions' }, this.#link, this.#fresh, this.#cancel);
    this.element = make(
      'li',
      { className: 'card' },
      head, this.#asked, this.#bar, this.#facts, this.#trace, this.#alert, actions, this.#linkNote, this.#files,
    );
  }

  /** Shows an export's state; returns what is new about it in words, or nothing. */
  show(one) {
    const before = this.#export?.status;
    this.#export = one;
    this.element.dataset.exportId = one.export_id;
    this.element.dataset.status = one.status;
    this.#showAsked(one);
    this.#showState(one);
    this.#showActions(one);
    return before === one.status ? '' : `${name(one)}: ${statusName(one.status)}. ${facts(one)}`;
  }

  #showAsked(one) {
    if (this.#title.childElementCount === 0) this.#title.replaceChildren(`${kindName(one.kind)} `, this.#app);
    say(this.#app, one.app_token);
    say(this.#asked, `${period(one.start_date, one.end_date)} · ${one.timezone} · to ${[one.email].flat().join(', ')}`);
  }

  #showState(one) {
    say(this.#pill, statusName(one.status));
    this.#bar.hidden = one.status !== 'running';
    this.#bar.ariaLabel = `Progress of ${name(one)}`;
    if (one.progress > 0) this.#bar.value = one.progress;
    else this.#bar.removeAttribute('value');
    say(this.#facts, facts(one));
    say(this.#trace, one.status === 'failed' && one.trace_id ? `Trace id ${one.trace_id}` : '');
  }

  #showActions(one) {
    const held = [this.#cancel, this.#fresh, this.#link].includes(document.activeElement) && document.activeElement;
    this.#cancel.hidden = one.status !== 'queued' && one.status !== 'running';
    this.#cancel.ariaLabel = `Cancel ${name(one)}`;
    this.#fresh.hidden = one.status !== 'done';
    this.#fresh.ariaLabel = `Get a fresh link for ${name(one)}`;
    if (one.status !== 'done') this.#dropLink();
    if (held?.hidden) this.#title.focus();
  }

  async #do(button, work) {
    settle(this.#alert);
    await whileBusy(button, async () => {
      try {
        await work();
      } catch (error) {
        if (error.name !== 'AbortError' && error.status !== 401) complain(this.#alert, error, { retry: () => button.click() });
      }
    });
  }

  async #stop() {
    await this.#api.cancel(this.#export.export_id);
    this.#changed();
  }

  async #renew() {
    const { url, expires_at: end, mailed, files } = await this.#api.freshLink(this.#export.export_id);
    const isOne = files.length === 1;
    this.#link.href = isOne ? files[0].url : url;
    say(this.#link, isOne ? 'Download' : 'Download the list of files');
    this.#files.replaceChildren(...(isOne ? [] : files).map((file) =>
      make('li', {}, make('a', { href: file.url, target: '_blank', rel: 'noopener noreferrer' }, file.name))));
    this.#files.hidden = isOne;
    this.#link.hidden = false;
    this.#link.focus();
    const mail = mailed ? ` It is also in a mail to ${[this.#export.email].flat().join(', ')}.` : '';
    say(this.#linkNote, `This link works until ${moment(end)}.${mail}`);
    this.#changed();
  }

  #dropLink() {
    this.#link.hidden = true;
    this.#link.removeAttribute('href');
    this.#files.hidden = true;
    this.#files.replaceChildren();
    say(this.#linkNote, '');
  }
}

const name = (one) => `${kindName(one.kind)} of ${one.app_token}, ${period(one.start_date, one.end_date)}`;

/** The state in words. */
function facts(one) {
  const asked = `Asked ${moment(one.requested_at)}`;
  switch (one.status) {
    case 'queued':
      return `${placeInLine(one)}${asked}.`;
    case 'running':
      return `${Math.floor((one.progress ?? 0) * 100)}% · ${counted(one.rows ?? 0, 'row')} so far. ${asked}.`;
    case 'done':
      return `${counted(one.rows, 'row')} · ${size(one.bytes)}. ${linkState(one)}`;
    case 'empty':
      return `There was nothing in this period. ${asked}.`;
    case 'failed':
      return one.error?.detail ?? 'Relay could not write this file.';
    case 'expired':
      return `The file is no longer kept; ask again to get it. ${asked}.`;
    default:
      return `${asked}.`;
  }
}

function placeInLine({ position }) {
  if (!position) return '';
  return position > 1 ? `Number ${count(position)} in line. ` : 'Next in line. ';
}

function linkState({ link_expires_at: end, error }) {
  if (error) return error.detail;
  if (!end) return 'The mail with the link is on its way.';
  return new Date(end) > new Date() ? `The mailed link works until ${moment(end)}.` : 'The mailed link has ended.';
}
