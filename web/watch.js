// Watching: the state of what was asked for, newest first, kept fresh while something moves.
import { Card } from './card.js';
import { complain, mayPass, settle } from './complaint.js';
import { find, say, whileBusy } from './dom.js';
import { word } from './words.js';

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

/**
 * Looks again and again, while the page is seen. `look` answers after how many milliseconds to look next, or nothing; `failed` is told
 * once of a row of failures, `seen` that they are over.
 */
export class Pulse {
  #look;
  #failed;
  #seen;
  #isOn = false;
  #turn = 0;
  #timer = 0;
  #failures = 0;

  constructor({ look, failed, seen, signal }) {
    this.#look = look;
    this.#failed = failed;
    this.#seen = seen;
    document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(this.#timer) : this.now()), { signal });
    addEventListener('online', () => this.now(), { signal });
    signal.addEventListener('abort', () => this.stop());
  }

  /** Looks from now on; what goes wrong is told anew. */
  start() {
    this.#isOn = true;
    this.#failures = 0;
    return this.now();
  }

  stop() {
    this.#isOn = false;
    this.#turn += 1;
    clearTimeout(this.#timer);
  }

  /** Looks now. Of several looks under way only the last counts: an earlier answer may not know what was just asked. */
  async now() {
    if (!this.#isOn) return;
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    const isCurrent = () => turn === this.#turn;
    try {
      const next = await this.#look(isCurrent);
      if (!isCurrent()) return;
      this.#failures = 0;
      this.#seen();
      this.#again(next);
    } catch (error) {
      if (!isCurrent() || error.name === 'AbortError') return;
      this.#failures += 1;
      if (this.#failures === 1) this.#failed(error);
      if (mayPass(error)) this.#again(Math.min(LONGEST_LOOK_MS, LOOK_MS * 2 ** this.#failures));
    }
  }

  #again(wait) {
    clearTimeout(this.#timer);
    if (wait && !document.hidden) this.#timer = setTimeout(() => this.now(), wait);
  }
}

/** Cards in a list element, one an export. */
class Cards {
  #api;
  #list;
  #options;
  #cards = new Map();

  constructor(api, list, options) {
    this.#api = api;
    this.#list = list;
    this.#options = options;
    list.replaceChildren();
  }

  get size() {
    return this.#cards.size;
  }

  has({ export_id: id }) {
    return this.#cards.has(id);
  }

  clear() {
    this.#cards.clear();
    this.#list.replaceChildren();
  }

  retell() {
    this.#cards.forEach((card) => card.retell());
  }

  /** Updates a card in place; moves it only when it stands elsewhere, because a moved element loses the focus. */
  place(one, at = this.#cards.size, isOpen = false) {
    const known = this.#cards.get(one.export_id);
    const card = known ?? new Card(this.#api, { ...this.#options, isOpen });
    this.#cards.set(one.export_id, card);
    const news = card.show(one);
    if (known && news) say(find('#news'), news);
    const before = this.#list.children[at] ?? null;
    if (card.element !== before) this.#list.insertBefore(card.element, before);
  }
}

/** Follows single exports, those that were asked for just now: the newest first. */
export class Following {
  #cards;
  #ids = [];
  #pulse;

  constructor(api, signal, list, fill) {
    this.#cards = new Cards(api, list, { changed: () => this.#pulse.now(), fill });
    const look = async (isCurrent) => {
      const exports = await Promise.all(this.#ids.map((id) => api.export(id)));
      if (isCurrent()) exports.forEach((one, at) => this.#cards.place(one, at));
      return exports.some(moves) && LOOK_MS;
    };
    this.#pulse = new Pulse({ look, failed() {}, seen() {}, signal });
  }

  add(id) {
    this.#ids = [id, ...this.#ids.filter((one) => one !== id)].slice(0, 3);
    this.#cards.clear();
    this.#pulse.now();
  }

  start() {
    this.#pulse.start();
  }

  stop() {
    this.#pulse.stop();
    this.#ids = [];
    this.#cards.clear();
  }

  retell() {
    this.#cards.retell();
  }
}

/** Opens the list for an account. */
export function openWatch({ api, account, signal, fill }) {
  const watch = new Watch(api, account, { signal, fill });
  document.addEventListener('language', () => watch.retell(), { signal });
  return watch;
}

class Watch {
  #api;
  #account;
  #cards;
  #pulse;
  #only = '';
  #older = null;

  constructor(api, account, { signal, fill }) {
    this.#api = api;
    this.#account = account;
    this.#cards = new Cards(api, find('#exports'), { changed: () => this.#pulse.now(), fill });
    this.#pulse = new Pulse({
      look: (isCurrent) => (this.#only ? this.#lookAtOne(isCurrent) : this.#lookAtAll(isCurrent)),
      failed: (error) => this.#missed(error),
      seen: () => settle(find('#watch-alert')),
      signal,
    });
    find('#older').addEventListener('click', (event) => whileBusy(event.target, () => this.#showOlder()), { signal });
  }

  /** Shows the list, or one export alone: the address behind `#/exports/`. */
  shown(only) {
    this.#only = only;
    this.#cards.clear();
    this.#setOlder(null);
    settle(find('#watch-alert'));
    find('#all-exports').hidden = !only;
    find('#no-exports').hidden = true;
    find('#watch-loading').hidden = false;
    this.retell();
    this.#pulse.start();
  }

  hidden() {
    this.#pulse.stop();
    this.#cards.clear();
  }

  retell() {
    say(find('#kept'), word('filesAreKept', this.#account.limits.export_retention_days));
    this.#cards.retell();
  }

  async #lookAtOne(isCurrent) {
    const one = await this.#api.export(this.#only);
    if (!isCurrent()) return 0;
    find('#watch-loading').hidden = true;
    this.#cards.place(one, 0, true);
    return moves(one) && LOOK_MS;
  }

  /** As many as are shown, those behind "Show older" too, in as few calls as the API's pages allow. */
  async #lookAtAll(isCurrent) {
    const exports = [];
    let next = null;
    do {
      const limit = Math.min(MOST, Math.max(FEWEST, this.#cards.size - exports.length));
      const page = await this.#api.exports(next, limit);
      exports.push(...page.exports);
      next = page.next;
    } while (next && exports.length < this.#cards.size);
    if (!isCurrent()) return 0;
    exports.forEach((one, at) => this.#cards.place(one, at));
    this.#setOlder(next);
    find('#watch-loading').hidden = true;
    find('#no-exports').hidden = this.#cards.size > 0;
    return exports.some(moves) && LOOK_MS;
  }

  #missed(error) {
    find('#watch-loading').hidden = true;
    const isGone = this.#only && error.status === 404;
    complain(find('#watch-alert'), error, {
      advice: isGone ? 'noSuchExport' : mayPass(error) ? 'keepsTrying' : '',
      retry: isGone ? undefined : () => this.#pulse.start(),
    });
  }

  async #showOlder() {
    const cursor = this.#older;
    try {
      const page = await this.#api.exports(cursor, FEWEST);
      // One export may have been opened meanwhile.
      if (this.#older !== cursor) return;
      page.exports.filter((one) => !this.#cards.has(one)).forEach((one) => this.#cards.place(one));
      this.#setOlder(page.next);
    } catch (error) {
      if (error.name !== 'AbortError') complain(find('#watch-alert'), error, { retry: () => this.#showOlder() });
    }
  }

  #setOlder(cursor) {
    this.#older = cursor ?? null;
    find('#older').hidden = !cursor;
  }
}
