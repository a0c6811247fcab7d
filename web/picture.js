// The picture of the period: how many activities each day has, kind by kind, so that a hole is seen before it is downloaded.
import { complain, mayPass, settle } from './complaint.js';
import { bones, draw, figure, find, make, scroller, table } from './dom.js';
import { daysBetween, today } from './period.js';
import { count, day, kindName, moment, runs, word } from './words.js';
import { offset } from './zone.js';

/** How long the form must rest before the picture follows it, in milliseconds. */
const REST_MS = 500;
/** The height of the bars of one kind, and of the line of dates below, in pixels. */
const [BARS, DATES] = [72, 18];

/** Opens the panel; `read` is the request as the form has it, `most` how many days a period may have. */
export function openPicture({ api, signal, read, most }) {
  const inside = find('#picture-inside');
  const box = make('div', { className: 'alert', hidden: true });
  let [summary, asked, turn, timer, width] = [null, null, 0, 0, 0];
  const note = (name) => {
    inside.ariaBusy = null;
    inside.replaceChildren(box, make('p', { className: 'hint' }, word(name)));
  };
  const write = () => {
    if (!summary) return;
    const isOpen = inside.querySelector('details')?.open;
    width = inside.clientWidth;
    inside.replaceChildren(box, ...paint(summary, { width, isOpen, byEnvironment: asked.includes('&environment=') }));
  };
  const look = async (query) => {
    const mine = ++turn;
    settle(box);
    if (!summary) inside.replaceChildren(...bones(2));
    inside.ariaBusy = 'true';
    let [came, failure] = [null, null];
    try {
      came = await api.summary(query);
    } catch (error) {
      failure = error;
    }
    if (mine !== turn || signal.aborted) return;
    inside.ariaBusy = null;
    summary = came;
    if (summary) write();
    else tell(failure, query);
  };
  const tell = (error, query) => {
    // A stack without this call, or fields that the form will be told of when it is sent.
    note(error.status === 404 ? 'pictureNone' : 'pictureNot');
    if (mayPass(error)) complain(box, error, { retry: () => look(query) });
  };
  const follow = () => {
    const query = queryOf(read(), most);
    if (query === asked) return;
    asked = query;
    clearTimeout(timer);
    if (query) timer = setTimeout(() => look(query), REST_MS);
    else {
      turn += 1;
      summary = null;
      note('pictureAfter');
    }
  };
  const resized = new ResizeObserver(() => {
    if (inside.clientWidth && inside.clientWidth !== width) write();
  });
  resized.observe(inside);
  document.addEventListener('language', () => {
    if (summary) {
      write();
      return;
    }
    asked = null;
    follow();
  }, { signal });
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    resized.disconnect();
    // The next to sign in may be somebody else.
    inside.replaceChildren();
  });
  return { follow };
}

/** The call's query; nothing while a field that it needs is missing or cannot be used. */
function queryOf({ app_token: app, kind, start_date: start, end_date: end, timezone, filters = {} }, most) {
  const days = daysBetween(start, end);
  if (!app || kind.length === 0 || !(days >= 1 && days <= most) || !offset(timezone)) return '';
  const query = new URLSearchParams({ app_token: app, start_date: start, end_date: end, timezone });
  [kind].flat().forEach((one) => query.append('kind', one));
  for (const [field, values] of Object.entries(filters)) values.forEach((value) => query.append(field, value));
  return query.toString();
}

function paint(summary, { width, isOpen = false, byEnvironment }) {
  const { kinds, timezone, complete_to: until } = summary;
  const isEstimate = kinds.some(({ days }) => days.some((one) => !one.exact));
  const hints = [
    kinds.some(({ rows }) => rows === 0) && byEnvironment && word('byEnvironment'),
    until ? word('completeTo', moment(until)) : word('completeUnknown'),
    isEstimate && word('estimatesHatched'),
  ].filter(Boolean).join(' ');
  // A day that is not over, or of which something is still under way, is no hole.
  const open = until ? today(timezone, Math.min(Date.parse(until), Date.now())) : today(timezone);
  return [
    ...kinds.map((kind) => chart(kind, { open, width })),
    make('p', { className: 'hint' }, hints),
    make('details', { className: 'fold', open: isOpen }, make('summary', {}, word('asTable')), numbers(kinds)),
  ];
}

function chart({ kind, rows, exact, days }, { open, width }) {
  const none = days.filter((one) => one.rows === 0 && one.date < open);
  const dates = (which) => runs(which.map((one) => one.date));
  const [holes, perhaps] = [true, false].map((known) => none.filter((one) => one.exact === known));
  const unseen = days.filter((one) => one.rows === null);
  const total = rows === null ? '–' : written({ rows, exact });
  const wrong = [
    holes.length > 0 && word('holes', holes.length, dates(holes)),
    perhaps.length > 0 && word('perhapsHoles', dates(perhaps)),
    unseen.length > 0 && word('daysUnseen', dates(unseen)),
  ].filter(Boolean).join(' ');
  const said = rows === 0 && exact ? word('noneAtAll') : wrong || word('noHoles');
  return make('figure', { className: `chart kind-${kind}` },
    make('figcaption', {}, make('h3', {}, kindName(kind)), make('b', {}, total)),
    bars(days, { none, width, label: `${kindName(kind)}: ${total}. ${said}` }),
    make('p', { className: wrong ? 'hint warn' : 'hint' }, said));
}

/** A number of rows in words: counted, about, or not known. */
const written = ({ rows, exact }) => (rows === null ? word('notCounted') : word(exact ? 'rows' : 'aboutRows', rows));

function bars(days, { none, width, label }) {
  const most = Math.max(...days.map((one) => one.rows), 1);
  const step = width / days.length;
  const gap = step > 12 ? 3 : step > 4 ? 1 : 0;
  const id = `hatch-${crypto.randomUUID()}`;
  const hatch = draw('pattern', { id, width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    draw('rect', { width: 5, height: 5, class: 'pale' }), draw('rect', { width: 2, height: 5, class: 'bar-fill' }));
  const columns = days.map((one, at) => {
    const isHole = none.includes(one);
    const high = isHole ? BARS : !one.rows && (one.exact || one.rows === null) ? 0 : Math.max(2, Math.round(one.rows / most * BARS));
    const bar = draw('rect', { x: at * step + gap / 2, y: BARS - high, width: Math.max(step - gap, 1), height: high, rx: Math.min(2, step / 4),
      class: isHole ? 'hole' : 'bar-fill', ...(!isHole && !one.exact && { fill: `url(#${id})`, class: 'estimate' }) });
    bar.append(draw('title', {}, `${day(one.date)}: ${isHole ? word('hole') : written(one)}`));
    return bar;
  });
  return draw('svg', { viewBox: `0 0 ${width} ${BARS + DATES}`, width, height: BARS + DATES, role: 'img', 'aria-label': label },
    draw('defs', {}, hatch), draw('line', { x1: 0, x2: width, y1: BARS + .5, y2: BARS + .5, class: 'axis' }), ...columns, ...dates(days, width, step));
}

/** The first date, the last, and one between where there is room. */
function dates(days, width, step) {
  const text = (at, anchor) => draw('text', { x: anchor === 'start' ? 0 : anchor === 'end' ? width : (at + .5) * step, y: BARS + DATES - 3, 'text-anchor': anchor }, day(days[at].date));
  if (days.length === 1) return [text(0, 'middle')];
  const middle = days.length > 4 && days.length % 2 ? [text((days.length - 1) / 2, 'middle')] : [];
  return [text(0, 'start'), ...middle, text(days.length - 1, 'end')];
}

function numbers(kinds) {
  const short = ({ rows, exact }) => (rows === null ? '–' : exact ? count(rows) : `≈ ${count(rows)}`);
  const rows = kinds[0].days.map((one, at) => [day(one.date), ...kinds.map(({ days }) => figure(short(days[at])))]);
  const shown = table(word('pictureTitle'), [word('day'), ...kinds.map(({ kind }) => kindName(kind))], rows);
  return scroller(word('pictureTitle'), shown);
}
