// Watching: the state of everything that was asked for, newest first, kept fresh while something moves.
import { Card } from './card.js';
import { complain, mayPass, settle } from './complaint.js';
import { find, say, whileBusy } from './dom.js';
import { counted } from './words.js';

/** How often to look while something moves, in milliseconds. */
const LOOK_MS = 2_000;
/** The longest wait between looks while Relay cannot be reached, in milliseconds. */
const LONGEST_LOOK_MS = 60_000;

/** How many exports one call of the API lists at least and at most. */
const [FEWEST, MOST] = [20, 100];

/** How long after the end of an export its mail is looked out for, in milliseconds. */
const MAIL_MS = 120_000;

/** Whether an export's state is about to change by itself. */
function moves({ status, link_expires_at: mailed, finished_at: end, error }) {
  if (status === 'queued' || status === 'running') return true;
  return status === 'done' && !mailed && !error && Date.now() - Date.parse(end) < MAIL_MS;
}

/** Opens the list for an account. */
export function openWatch({ api, account, signal }) {
  say(find('#kept'), `Files are kept for ${counted(account.limits.export_retention_days, 'day')}.`);
  const watch = new Watch(api, signal);
  watch.refresh();
  return watch;
}

class Watch {
  #api;
  #signal;
  #list = find('#exports');
  #cards = new Map();
  #older = null;
  #turn = 0;
  #timer = 0;
  #failures = 0;

  constructor(api, signal) {
    this.#api = api;
    this.#signal = signal;
    this.#list.replaceChildren();
    settle(find('#watch-alert'));
    find('#no-exports').hidden = true;
    find('#watch-loading').hidden = false;
    find('#older').hidden = true;
    find('#older').addEventListener('click', (event) => whileBusy(event.target, () => this.#showOlder()), { signal });
    document.addEventListener('visibilitychange', () => this.#visibility(), { signal });
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** Looks now. Of several looks under way only the last counts: an earlier answer may not know what was just asked. */
  async refresh() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    try {
      const page = await this.#look();
      if (turn === this.#turn) this.#seen(page);
    } catch (error) {
      if (turn === this.#turn) this.#missed(error);
    }
  }

  /** As many as are shown, those behind "Show older" too, in as few calls as the API's pages allow. */
  async #look() {
    const exports = [];
    let next = null;
    do {
      const limit = Math.min(MOST, Math.max(FEWEST, this.#cards.size - exports.length));
      const page = await this.#api.exports(next, limit);
      exports.push(...page.exports);
      next = page.next;
    } while (next && exports.length < this.#cards.size);
    return { exports, next };
  }

  #seen(page) {
    this.#failures = 0;
    settle(find('#watch-alert'));
    page.exports.forEach((one, index) => this.#place(one, this.#list.children[index] ?? null));
    this.#setOlder(page.next);
    find('#watch-loading').hidden = true;
    find('#no-exports').hidden = this.#cards.size > 0;
    if (page.exports.some(moves)) this.#lookAgain(LOOK_MS);
  }

  #missed(error) {
    if (this.#signal.aborted) return;
    find('#watch-loading').hidden = true;
    this.#failures += 1;
    if (this.#failures === 1) this.#complain(error);
    if (mayPass(error)) this.#lookAgain(Math.min(LONGEST_LOOK_MS, LOOK_MS * 2 ** this.#failures));
  }

  #complain(error) {
    const advice = mayPass(error) ? 'The list may be out of date; the page keeps trying.' : '';
    complain(find('#watch-alert'), error, { advice, retry: () => this.refresh() });
  }

  #lookAgain(wait) {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.refresh(), wait);
  }

  #visibility() {
    if (document.hidden) clearTimeout(this.#timer);
    else this.refresh();
  }

  /** Updates a card in place; moves it only when it stands elsewhere, because a moved element loses the focus. */
  #place(one, before) {
    const known = this.#cards.get(one.export_id);
    const card = known ?? new Card(this.#api, () => this.refresh());
    this.#cards.set(one.export_id, card);
    const news = card.show(one);
    if (known && news) say(find('#news'), news);
    if (card.element !== before) this.#list.insertBefore(card.element, before);
  }

  async #showOlder() {
    try {
      const page = await this.#api.exports(this.#older, FEWEST);
      page.exports.filter((one) => !this.#cards.has(one.export_id)).forEach((one) => this.#place(one, null));
      this.#setOlder(page.next);
    } catch (error) {
      if (!this.#signal.aborted) complain(find('#watch-alert'), error, { retry: () => this.#showOlder() });
    }
  }

  #setOlder(cursor) {
    this.#older = cursor ?? null;
    find('#older').hidden = !cursor;
  }
}
