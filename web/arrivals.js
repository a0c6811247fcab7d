// Arrivals: what came in the last day, provider by provider, what was kept aside and why, and how to connect a provider.
import { complain, mayPass, settle } from './complaint.js';
import { openConnect } from './connect.js';
import { draw, figure, find, make, say, scroller, table } from './dom.js';
import { ago, count, kindName, moment, providerName, word } from './words.js';
import { Pulse } from './watch.js';

/** How often to look while the view is shown, in milliseconds. */
const LOOK_MS = 10_000;
/** What came within this time still flows, in milliseconds. */
const FLOWS_MS = 3_600_000;
const HOUR_MS = 3_600_000;

export function openArrivals({ api, account, signal }) {
  let arrivals = null;
  const inside = find('#arrivals-inside');
  inside.replaceChildren();
  const write = () => {
    if (!arrivals) return;
    say(find('#arrivals-as-of'), word('arrivalsAsOf', moment(arrivals.as_of)));
    const before = [...inside.querySelectorAll('.scroll')].map((one) => [one.scrollLeft, one === document.activeElement]);
    inside.replaceChildren(...arrivals.apps.map((app) => appPanel(app, arrivals)), quarantinePanel(arrivals));
    // Whoever stands in a table, or has pushed it to the side, stays there.
    [...inside.querySelectorAll('.scroll')].slice(0, before.length).forEach((one, at) => {
      const [left, isHeld] = before[at];
      one.scrollLeft = left;
      if (isHeld) one.focus({ preventScroll: true });
    });
  };
  const pulse = new Pulse({
    look: async (isCurrent) => {
      const came = await api.arrivals();
      if (!isCurrent()) return 0;
      arrivals = came;
      find('#arrivals-loading').hidden = true;
      write();
      return LOOK_MS;
    },
    failed: (error) => {
      find('#arrivals-loading').hidden = true;
      complain(find('#arrivals-alert'), error, { advice: mayPass(error) ? 'keepsTrying' : '', retry: () => pulse.start() });
    },
    seen: () => settle(find('#arrivals-alert')),
    signal,
  });
  const connect = openConnect({ api, account, signal, arrived: () => pulse.now() });
  document.addEventListener('language', () => {
    write();
    connect.retell();
  }, { signal });
  return {
    shown() {
      find('#arrivals-loading').hidden = arrivals !== null;
      pulse.start();
    },
    hidden: () => pulse.stop(),
  };
}

function appPanel({ app_token: app, arrivals: came }, { since, as_of: now }) {
  const panel = make('section', { className: 'panel' }, make('h2', {}, make('code', {}, app)));
  panel.dataset.app = app;
  if (came.length === 0) {
    panel.append(make('p', { className: 'hint' }, word('nothingArrived')));
    return panel;
  }
  const rows = came.map((one) => [
    providerName(one.provider),
    kindName(one.kind),
    make('span', {}, state(one, now), ' ', make('time', { dateTime: one.last_received_at, title: moment(one.last_received_at), className: 'soft' }, ago(one.last_received_at, Date.parse(now)))),
    figure(count(one.received_24h)),
    hours(one, since, now),
  ]);
  panel.append(scroller(word('arrivalsOf', app), table(word('arrivalsOf', app), [word('provider'), word('kind'), word('lastCame'), word('in24h'), word('byHour')], rows)));
  return panel;
}

/** In a word and by its mark, not by colour alone. */
function state({ last_received_at: last, received_24h: number }, now) {
  const name = number === 0 ? 'silent' : Date.parse(now) - Date.parse(last) < FLOWS_MS ? 'flows' : 'quiet';
  return make('span', { className: `pill ${name}` }, word(`state_${name}`));
}

/** A bar for each hour of the last day. */
function hours({ hours: came, received_24h: number }, since, now) {
  const [width, height, step] = [100, 22, 4];
  const first = Date.parse(since);
  const most = Math.max(...came.map((one) => one.received), 1);
  const bars = came.map(({ hour, received }) => {
    const high = Math.max(2, received / most * height);
    const bar = draw('rect', { x: Math.round((Date.parse(hour) - first) / HOUR_MS) * step, y: height - high, width: step - 1, height: high, class: 'bar-fill' });
    bar.append(draw('title', {}, `${moment(hour)}: ${count(received)}`));
    return bar;
  });
  const label = word('hoursLabel', number, came.length, moment(now));
  return draw('svg', { viewBox: `0 0 ${width} ${height + 1}`, width, height: height + 1, role: 'img', 'aria-label': label, class: 'spark' },
    draw('line', { x1: 0, x2: width, y1: height + .5, y2: height + .5, class: 'axis' }), ...bars);
}

function quarantinePanel({ quarantined, as_of: now }) {
  const panel = make('section', { id: 'quarantine', className: 'panel' }, make('h2', {}, word('quarantine')));
  if (quarantined.length === 0) {
    panel.append(make('p', { className: 'hint' }, word('nothingQuarantined')));
    return panel;
  }
  const rows = quarantined.map((one) => [
    providerName(one.provider),
    make('span', {}, make('b', {}, word(`reason_${one.reason}`)), make('br'), make('span', { className: 'soft' }, word(`mend_${one.reason}`)), ' ', make('code', { className: 'soft' }, one.reason)),
    make('time', { dateTime: one.last_received_at, title: moment(one.last_received_at) }, ago(one.last_received_at, Date.parse(now))),
    figure(count(one.received_24h)),
  ]);
  panel.append(make('p', { className: 'hint' }, word('quarantineHint')),
    scroller(word('quarantine'), table(word('quarantine'), [word('provider'), word('reason'), word('lastCame'), word('in24h')], rows)));
  return panel;
}
