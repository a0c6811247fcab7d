// How things are called and written, in the reader's language: words from `words/`, figures from Intl.

const LANGUAGES = ['en', 'ko'];
const STORED_AS = 'relay.language';

let language = chosen();
let words = await load(language);
let forms = {};

function chosen() {
  const wanted = [localStorage.getItem(STORED_AS) ?? '', ...navigator.languages].map((tag) => tag.slice(0, 2));
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? 'en';
}

/** Only the language that is read is loaded. */
async function load(tag) {
  return (await import(`./words/${tag}.js`)).words;
}

export const languageNow = () => language;
export const hasWord = (name) => Object.hasOwn(words, name);

/** A text of the page; `given` goes to those that depend on something. */
export function word(name, ...given) {
  const found = words[name];
  return typeof found === 'function' ? found(...given) : found ?? name;
}

/** Writes every text that stands in the document itself. */
export function translate(root = document) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll('[data-word]')) {
    element.textContent = word(element.dataset.word, Number(element.dataset.wordOf));
  }
  for (const element of root.querySelectorAll('[data-word-label]')) element.setAttribute('aria-label', word(element.dataset.wordLabel));
}

/** Changes the language; parts of the page that wrote texts themselves hear `language` and write them again. */
export async function speak(tag) {
  words = await load(tag);
  language = tag;
  forms = {};
  localStorage.setItem(STORED_AS, tag);
  translate();
  document.dispatchEvent(new Event('language'));
}

const form = (name, make) => (forms[name] ??= make());
const dates = (name, options) => form(name, () => new Intl.DateTimeFormat(language, options));
const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };

/** One kind, or several. */
export const kindName = (kind) => [kind].flat().map((one) => word(`kind_${one}`)).join(', ');
export const providerName = (provider) => word(`provider_${provider}`);
export const statusName = (status) => word(`status_${status}`);
export const count = (number) => form('count', () => new Intl.NumberFormat(language)).format(number);
export const percent = (share) => form('percent', () => new Intl.NumberFormat(language, { style: 'percent' })).format(Math.floor(share * 100) / 100);
/** An exact decimal, with all its digits. */
export function amount(text) {
  const digits = text.split('.')[1]?.length ?? 0;
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(text);
}

export const listed = (items) => form('list', () => new Intl.ListFormat(language)).format(items);

/** Bytes in the units that file managers show (1 kB = 1,000 B). */
export function size(bytes) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  const options = { style: 'unit', unit: units[power], unitDisplay: power ? 'short' : 'long', maximumFractionDigits: power && value < 10 ? 1 : 0 };
  return new Intl.NumberFormat(language, options).format(value);
}

/** Seconds as one rounded unit: `40 seconds`, `3 minutes`, `2 hours`. */
export function span(seconds) {
  const [unit, length] = seconds < 55 ? ['second', 1] : seconds < 5400 ? ['minute', 60] : seconds < 129_600 ? ['hour', 3600] : ['day', 86_400];
  const step = unit === 'second' ? 10 : 1;
  const value = Math.max(step, Math.round(seconds / length / step) * step);
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

/** How long ago a moment was, or how far off it is. */
export function ago(when, now = Date.now()) {
  const seconds = (new Date(when) - now) / 1000;
  const [unit, length] = [['day', 86_400], ['hour', 3600], ['minute', 60]].find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return form('ago', () => new Intl.RelativeTimeFormat(language, { numeric: 'auto' })).format(Math.round(seconds / length), unit);
}

/** A moment (RFC 3339 or epoch milliseconds) in the reader's own zone: the clock alone when it is today. */
export function moment(when, now = new Date()) {
  const date = new Date(when);
  if (date.toDateString() === now.toDateString()) return dates('clock', clock).format(date);
  return dates('moment', { day: 'numeric', month: 'short', ...clock }).format(date);
}

/** From one moment to another in a zone; the zone decides where days begin. */
export function moments({ from, to }, zone) {
  const [first, last] = [new Date(from), new Date(to)];
  if (last - first < 7_200_000) return dates(`hours ${zone}`, { day: 'numeric', month: 'short', ...clock, timeZone: zone }).formatRange(first, last);
  return dates(`days ${zone}`, { dateStyle: 'medium', timeZone: zone }).formatRange(first, new Date(last - 1));
}

/** A local date: `3 Nov`. */
export const day = (date) => dates('day', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(Date.parse(date));

/** A period of local dates: `1 – 7 Jun 2026`, one day as one date. */
export function period(start, end) {
  const [first, last] = [Date.parse(start), Date.parse(end)];
  if (Number.isNaN(first) || Number.isNaN(last)) return `${start} – ${end}`;
  const written = dates('period', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  return first <= last ? written.formatRange(first, last) : `${written.format(first)} – ${written.format(last)}`;
}

/** Runs of neighbouring local dates, written as few ranges. */
export function runs(days) {
  const found = [];
  for (const date of days) {
    const open = found.at(-1);
    if (open && Date.parse(date) - Date.parse(open[1]) === 86_400_000) open[1] = date;
    else found.push([date, date]);
  }
  const form = dates('day', { day: 'numeric', month: 'short', timeZone: 'UTC' });
  return listed(found.map(([first, last]) => form.formatRange(Date.parse(first), Date.parse(last))));
}
