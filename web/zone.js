// Time zones the browser knows. The API decides which names are good.

/** The zone of this browser, as an IANA name. */
export function ownZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** Every name to offer: the browser's own first, then UTC, then the rest. */
export function zones() {
  return [...new Set([ownZone(), 'UTC', ...Intl.supportedValuesOf('timeZone')])];
}
