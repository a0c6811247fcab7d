// Local dates as `yyyy-mm-dd`: what the API takes and what `<input type="date">` holds.

const DAY_MS = 86_400_000;

/** Today's date in a zone; an unknown zone counts as UTC until the API has judged it. */
export function today(zone, now = Date.now()) {
  const form = { year: 'numeric', month: '2-digit', day: '2-digit', calendar: 'iso8601' };
  let written;
  try {
    written = new Intl.DateTimeFormat('en', { ...form, timeZone: zone }).formatToParts(now);
  } catch {
    written = new Intl.DateTimeFormat('en', { ...form, timeZone: 'UTC' }).formatToParts(now);
  }
  const part = (type) => written.find((one) => one.type === type).value;
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** The date so many days later (earlier when negative). */
function shift(date, days) {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The last whole days in a zone: they end yesterday, because today still grows. */
export function lastDays(days, zone, now = Date.now()) {
  const end = shift(today(zone, now), -1);
  return { start: shift(end, 1 - days), end };
}

/** How many days a period covers, both ends included; NaN while a date is missing, < 1 when reversed. */
export function daysBetween(start, end) {
  return (Date.parse(end) - Date.parse(start)) / DAY_MS + 1;
}
