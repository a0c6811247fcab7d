// How things are called and written on the page. One place, so that another language has one place to go.

const LOCALE = 'en';

const KINDS = {
  install: 'Installs',
  reattribution: 'Reattributions',
  event: 'In-app events',
};

const STATUSES = {
  queued: 'In line',
  running: 'Being written',
  done: 'Ready',
  empty: 'Nothing found',
  failed: 'Failed',
  cancelled: 'Cancelled',
  expired: 'Expired',
};

const numberForm = new Intl.NumberFormat(LOCALE);
const dayForm = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const clockForm = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit', hour12: false });
const momentForm = new Intl.DateTimeFormat(LOCALE, {
  day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false,
});

/** One kind, or several. */
export const kindName = (kind) => [kind].flat().map((one) => KINDS[one] ?? one).join(', ');
export const statusName = (status) => STATUSES[status] ?? status;
export const count = (number) => numberForm.format(number);

/** `1 row`, `1,204 rows`. */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

/** Bytes in the units that file managers show (1 kB = 1,000 B). */
export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A moment (RFC 3339 or epoch milliseconds) in the reader's own zone: the clock alone when it is today. */
export function moment(when, now = new Date()) {
  const date = new Date(when);
  const today = date.toDateString() === now.toDateString();
  return (today ? clockForm : momentForm).format(date);
}

/** A period of local dates: `1 – 7 Jun 2026`, one day as one date. */
export function period(start, end) {
  const [first, last] = [Date.parse(start), Date.parse(end)];
  if (Number.isNaN(first) || Number.isNaN(last)) return `${start} – ${end}`;
  return first <= last ? dayForm.formatRange(first, last) : `${dayForm.format(first)} – ${dayForm.format(last)}`;
}
