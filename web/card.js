// One export on a list: what was asked, where it stands, and what can be done with it.
import { complain, settle } from './complaint.js';
import { fact, figure, make, say, scroller, table, whileBusy } from './dom.js';
import { ago, amount, count, day, kindName, listed, moment, percent, period, size, span, statusName, word } from './words.js';

/** Between two looks the time that a whole export takes may be judged this differently, and still be told. */
const STEADY = 0.25;

/** A card keeps its elements and changes their text, so that focus and selection survive each look. */
export class Card {
  #api;
  #changed;
  #fill;
  #export = null;
  #pace = 0;
  #title = make('h2', { tabIndex: -1 });
  #app = make('code');
  #pill = make('span', { className: 'pill' });
  #asked = make('p', { className: 'asked' });
  #bar = make('progress', { max: 1 });
  #facts = make('p', { className: 'facts' });
  #advice = make('p', { className: 'hint' });
  #alert = make('div', { className: 'alert', role: 'alert', hidden: true });
  #link = make('a', { className: 'button', rel: 'noopener noreferrer', hidden: true });
  #files = make('ul', { className: 'files', hidden: true });
  #note = make('p', { className: 'hint', role: 'status' });
  #linked = null;
  #more = make('button', { type: 'button', className: 'quiet plain', ariaExpanded: 'false' });
  #details = make('div', { className: 'details', hidden: true });
  /** What the details were written of. */
  #written = '';
  #buttons = {};
  #actions;

  /** `changed` is called when the export may stand otherwise now; `fill` takes a request back to the form. */
  constructor(api, { changed, fill, isOpen = false }) {
    this.#api = api;
    this.#changed = changed;
    this.#fill = fill;
    const act = (name, work) => {
      const button = make('button', { type: 'button', className: 'quiet' });
      button.addEventListener('click', () => this.#do(button, work));
      this.#buttons[name] = button;
      return button;
    };
    this.#actions = make('div', { className: 'actions' },
      act('fresh', () => this.#renew()), this.#link, act('cancel', () => this.#stop()), act('repeat', () => this.#fill(this.#request())),
      act('again', () => this.#fill({ ...this.#request(), frequency: 'daily' })), act('delete', () => this.#delete()), this.#more);
    this.#more.addEventListener('click', () => this.#showMore(this.#details.hidden));
    this.#details.hidden = !isOpen;
    this.element = make('li', { className: 'card' },
      make('div', { className: 'card-head' }, this.#title, this.#pill),
      this.#asked, this.#bar,
      make('div', { className: 'card-body' }, make('div', {}, this.#facts, this.#advice), this.#actions),
      this.#alert, this.#note, this.#files, this.#details);
  }

  /** Shows an export's state; returns what is new about it in words, or nothing. */
  show(one) {
    const before = this.#export?.status;
    this.#pace = one.status === 'running' ? this.#paceOf(one) : 0;
    this.#export = one;
    this.element.dataset.exportId = one.export_id;
    this.element.dataset.status = one.status;
    if (this.#title.childElementCount === 0) this.#title.replaceChildren(make('span'), ' ', this.#app);
    say(this.#title.firstChild, kindName(one.kind));
    say(this.#app, one.app_token);
    say(this.#asked, [period(one.start_date, one.end_date), one.timezone, one.format, word('to', listed([one.email].flat()))].join(' · '));
    this.#showState(one);
    this.#showActions(one);
    this.#showMore();
    return before === one.status ? '' : `${name(one)}: ${statusName(one.status)}. ${this.#facts.textContent}`;
  }

  /** The same in another language. */
  retell() {
    if (!this.#export) return;
    this.#written = '';
    this.show(this.#export);
    if (this.#linked) this.#tellLink();
  }

  #showState(one) {
    say(this.#pill, statusName(one.status));
    this.#bar.hidden = one.status !== 'running';
    this.#bar.ariaLabel = word('progressOf', name(one));
    if (one.progress > 0) this.#bar.value = one.progress;
    else this.#bar.removeAttribute('value');
    say(this.#facts, facts(one, this.#left(one)));
    say(this.#advice, advice(one));
  }

  #showActions(one) {
    const isMoving = one.status === 'queued' || one.status === 'running';
    const offered = { cancel: isMoving, fresh: one.status === 'done', delete: one.status === 'done', repeat: !isMoving, again: !isMoving && !one.schedule_id };
    const held = this.#actions.contains(document.activeElement) && document.activeElement;
    for (const [action, button] of Object.entries(this.#buttons)) {
      button.hidden = !offered[action];
      if (button.dataset.sure !== 'true') say(button, word(`do_${action}`));
      button.ariaLabel = word('doTo', button.textContent, name(one));
    }
    this.#buttons.fresh.className = this.#linked ? 'quiet' : 'primary';
    if (one.status !== 'done') this.#dropLink();
    if (held?.hidden) this.#title.focus();
  }

  /** How long the whole export takes at its present pace, in seconds; negative while that is not steady. */
  #paceOf({ progress, started_at: start }) {
    if (!start || progress < 0.03) return 0;
    const whole = (Date.now() - Date.parse(start)) / 1000 / progress;
    // A clock behind Relay's.
    if (!(whole > 0)) return 0;
    const before = Math.abs(this.#pace);
    return before && Math.abs(whole - before) < STEADY * before ? whole : -whole;
  }

  #left({ progress }) {
    return this.#pace > 0 && progress < 1 ? word('timeLeft', span(this.#pace * (1 - progress))) : '';
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

  #request() {
    const { app_token, kind, start_date, end_date, timezone, format, columns, filters, excel, email, language } = this.#export;
    return { app_token, kind, start_date, end_date, timezone, format, columns, filters, excel, email, language };
  }

  async #stop() {
    this.show(await this.#api.cancel(this.#export.export_id));
    this.#changed();
  }

  /** Asks once more on the button itself: what is deleted does not come back. */
  async #delete() {
    const button = this.#buttons.delete;
    if (button.dataset.sure !== 'true') {
      button.dataset.sure = 'true';
      say(button, word('do_deleteSure'));
      say(this.#note, button.textContent);
      button.addEventListener('blur', () => {
        button.dataset.sure = '';
        if (!this.#linked) say(this.#note, '');
        this.#showActions(this.#export);
      }, { once: true });
      return;
    }
    button.dataset.sure = '';
    this.show(await this.#api.deleteFiles(this.#export.export_id));
    this.#changed();
  }

  /** A fresh link, followed at once; it stays for a browser that does not let itself be led. */
  async #renew() {
    this.#linked = await this.#api.freshLink(this.#export.export_id);
    const { url, files } = this.#linked;
    const isOne = files.length === 1;
    this.#link.href = isOne ? files[0].url : url;
    this.#files.replaceChildren(...(isOne ? [] : files).map((file) =>
      make('li', {}, make('a', { href: file.url, rel: 'noopener noreferrer' }, file.name))));
    this.#files.hidden = isOne;
    this.#link.hidden = false;
    this.#buttons.fresh.className = 'quiet';
    this.#tellLink();
    this.#link.focus();
    if (isOne) this.#link.click();
    this.#changed();
  }

  #tellLink() {
    const { expires_at: end, mailed, files } = this.#linked;
    say(this.#link, word(files.length === 1 ? 'download' : 'downloadList'));
    const mail = mailed ? word('alsoMailed', listed([this.#export.email].flat())) : '';
    say(this.#note, [word('linkWorksUntil', moment(end)), mail].filter(Boolean).join(' '));
  }

  #dropLink() {
    this.#linked = null;
    this.#link.hidden = true;
    this.#link.removeAttribute('href');
    this.#files.hidden = true;
    this.#files.replaceChildren();
    say(this.#note, '');
  }

  /** The details are written only while they are shown, and anew only when something has changed. */
  #showMore(isOpen = !this.#details.hidden) {
    this.#details.hidden = !isOpen;
    this.#more.ariaExpanded = String(isOpen);
    say(this.#more, word('details'));
    this.#more.ariaLabel = word('doTo', word('details'), name(this.#export));
    const now = JSON.stringify(this.#export);
    if (!isOpen || this.#written === now) return;
    this.#written = now;
    this.#details.replaceChildren(...details(this.#export));
  }
}

const name = (one) => word('exportName', kindName(one.kind), one.app_token, period(one.start_date, one.end_date));

/** The state in words. */
function facts(one, left) {
  switch (one.status) {
    case 'queued':
      return [one.position && (one.position > 1 ? word('numberInLine', count(one.position)) : word('nextInLine')), askedAt(one)].filter(Boolean).join(' ');
    case 'running':
      return [percent(one.progress), word('rowsSoFar', one.rows), left].filter(Boolean).join(' · ');
    case 'done':
      return [word('rows', one.rows), size(one.bytes), one.files.length > 1 && word('files', one.files.length), isWhole(one) && word('upTo', moment(one.as_of)), linkState(one)].filter(Boolean).join(' · ');
    case 'empty':
      return word('emptyFacts');
    case 'failed':
      return word('failedFacts');
    case 'expired':
      return one.file_deleted_at ? word('deletedFacts', moment(one.file_deleted_at)) : word('expiredFacts');
    default:
      return askedAt(one);
  }
}

/** Whether everything that had reached Relay when it was asked for is in it. */
const isWhole = (one) => one.complete_until === one.as_of;

const askedAt = (one) => word('askedAt', moment(one.requested_at), ago(one.requested_at));

function linkState({ link_expires_at: end, error }) {
  if (error) return '';
  if (!end) return word('mailUnderWay');
  return new Date(end) > new Date() ? word('mailedUntil', moment(end)) : word('mailedEnded');
}

/** What to do about it, where there is something to do. */
function advice(one) {
  if (one.status === 'failed') return word('failedAdvice', one.error?.detail ?? '', one.trace_id);
  if (one.error) return word('mailRefused', one.error.detail);
  if (one.status === 'empty') return word('emptyAdvice');
  if (one.status === 'done' && !isWhole(one)) return one.complete_until ? word('wholeUntil', moment(one.complete_until)) : word('wholeUnknown');
  if (one.late_rows > 0) return word('lateRows', one.late_rows);
  return '';
}

function details(one) {
  const code = (text) => make('code', {}, text);
  const filters = Object.entries(one.filters).map(([field, values]) => word('filterText', word(`field_${field}`), listed(values)));
  const facts = [
    fact(word('completeUpTo'), one.complete_until ? moment(one.complete_until) : word('notKnown')),
    fact(word('requested'), moment(one.requested_at)),
    one.finished_at && fact(word('finished'), moment(one.finished_at)),
    fact(word('filters'), filters.join('; ') || word('noFilters')),
    fact(word('columns'), one.columns ? one.columns.map((column) => column.header ?? column).join(', ') : word('columnsUsualShort')),
    one.excel && fact(word('excel'), word('yes')),
    one.schedule_id && fact(word('partOf'), make('a', { href: '#/recurring' }, word('recurringTitle'))),
    one.webhook && fact(word('webhook'), `${one.webhook.status} · ${one.webhook.last}`),
    fact(word('exportId'), make('a', { href: `#/exports/${one.export_id}` }, code(one.export_id))),
    fact(word('traceId'), code(one.trace_id)),
  ].filter(Boolean);
  return [make('dl', {}, ...facts), ...totals(one)];
}

/** What to compare with the provider's own figures. */
function totals({ totals: sums, files }) {
  const parts = [];
  const money = (sum) => listed(Object.entries(sum ?? {}).map(([currency, sum]) => `${amount(sum)} ${currency}`));
  const days = Object.entries(sums?.rows_by_day ?? {});
  if (days.length > 0) {
    const hasMoney = Object.keys(sums.revenue).length > 0;
    const rows = days.map(([date, rows]) => [day(date), figure(count(rows)), ...(hasMoney ? [money(sums.revenue_by_day[date])] : [])]);
    parts.push(make('h3', {}, word('totals')),
      scroller(word('totals'), table(word('totals'), [word('day'), word('rowsTitle'), ...(hasMoney ? [word('revenue')] : [])], rows)),
      make('p', { className: 'hint' }, [hasMoney && word('revenueIs', money(sums.revenue)), sums.unsummed > 0 && word('unsummed', sums.unsummed)].filter(Boolean).join(' ')));
  }
  if (files.length > 1) {
    parts.push(make('h3', {}, word('filesTitle')), make('ul', { className: 'files' },
      ...files.map((file) => make('li', {}, make('code', {}, file.name), ` ${word('rows', file.rows)} · ${size(file.bytes)}`))));
  }
  return parts;
}
