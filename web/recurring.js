// Recurring exports: what comes by itself, when next, how the last run ended, and how to end it.
import { complain, mayPass, settle } from './complaint.js';
import { fact, find, make, say, whileBusy } from './dom.js';
import { ago, kindName, listed, moment, moments, span, word } from './words.js';
import { Pulse } from './watch.js';

/** How often to look while the view is shown, in milliseconds: runs come by the hour. */
const LOOK_MS = 30_000;
/** An owner has fewer schedules than one page of the API holds. */
const MOST = 100;

export function openRecurring({ api, account, signal, fill }) {
  const list = find('#schedules');
  let schedules = null;
  list.replaceChildren();
  const write = () => {
    say(find('#recurring-hint'), word('recurringHint', schedules?.length ?? 0, account.limits.max_schedules));
    if (!schedules || list.contains(document.activeElement)) return;
    list.replaceChildren(...schedules.map((one) => card(one, { api, fill, ended: () => pulse.now() })));
  };
  const pulse = new Pulse({
    look: async (isCurrent) => {
      const page = await api.schedules(null, MOST);
      if (!isCurrent()) return 0;
      schedules = page.schedules;
      find('#recurring-loading').hidden = true;
      find('#no-schedules').hidden = schedules.length > 0;
      write();
      return LOOK_MS;
    },
    failed: (error) => {
      find('#recurring-loading').hidden = true;
      complain(find('#recurring-alert'), error, { advice: mayPass(error) ? 'keepsTrying' : '', retry: () => pulse.start() });
    },
    seen: () => settle(find('#recurring-alert')),
    signal,
  });
  find('#new-schedule').addEventListener('click', () => fill({ frequency: 'daily' }), { signal });
  document.addEventListener('language', write, { signal });
  return {
    shown() {
      find('#recurring-loading').hidden = schedules !== null;
      write();
      pulse.start();
    },
    hidden: () => pulse.stop(),
  };
}

function card(one, { api, fill, ended }) {
  const name = word('scheduleName', word(`often_${one.frequency}`), kindName(one.kind), one.app_token);
  const isActive = one.status === 'active';
  const alert = make('div', { className: 'alert', role: 'alert', hidden: true });
  const ending = word(isActive ? 'do_end' : 'do_remove');
  const end = make('button', { type: 'button', className: 'quiet', ariaLabel: word('doTo', ending, name) }, ending);
  const sure = make('div', { className: 'sure', hidden: true });
  const title = make('h2', { tabIndex: -1 }, word(`often_${one.frequency}`), ' · ', kindName(one.kind), ' ', make('code', {}, one.app_token));
  end.addEventListener('click', () => {
    if (!isActive) {
      forget(end);
      return;
    }
    sure.hidden = false;
    end.hidden = true;
    sure.querySelector('button').focus();
  });
  const back = () => {
    sure.hidden = true;
    end.hidden = false;
    end.focus();
  };
  const forget = (button) => whileBusy(button, async () => {
    settle(alert);
    try {
      await api.endSchedule(one.schedule_id);
      say(find('#news'), word('ended', name));
      find('#recurring-title').focus();
      ended();
    } catch (error) {
      if (error.name !== 'AbortError' && error.status !== 401) complain(alert, error);
    }
  });
  sure.append(make('p', {}, word('endSure')),
    make('button', { type: 'button', className: 'danger', onclick: (event) => forget(event.target) }, word('do_endSure')),
    make('button', { type: 'button', className: 'quiet', onclick: back }, word('keepIt')));
  const repeat = make('button', { type: 'button', className: 'quiet', ariaLabel: word('doTo', word('do_repeat'), name), onclick: () => fill(one) }, word('do_repeat'));
  const element = make('li', { className: 'card' },
    make('div', { className: 'card-head' }, title, make('span', { className: 'pill' }, word(`schedule_${one.status}`))),
    make('p', { className: 'asked' }, [one.timezone, one.format, listed([one.email].flat()) && word('to', listed([one.email].flat()))].filter(Boolean).join(' · ')),
    make('div', { className: 'card-body' }, make('dl', {}, ...facts(one)), make('div', { className: 'actions' }, repeat, end)),
    alert, sure);
  element.dataset.scheduleId = one.schedule_id;
  element.dataset.status = isActive ? 'running' : 'ended';
  return element;
}

function facts(one) {
  const { last_run: run, last_error: wrong, next_run_at: next, next_period: coming } = one;
  const delay = one.delay_minutes === 0 ? word('atOnce') : word('afterEnd', span(one.delay_minutes * 60));
  return [
    next && fact(word('nextRun'), `${moment(next)} (${ago(next)}) · ${moments(coming, one.timezone)}`),
    fact(word('delay'), delay),
    run ? fact(word('lastRun'), make('a', { href: `#/exports/${run.export_id}` }, moments(run.period, one.timezone)), ` · ${word('madeAt', moment(run.as_of))}`)
      : fact(word('lastRun'), word('noRunYet')),
    wrong && fact(word('lastError'), make('span', { className: 'bad' }, `${moments(wrong.period, one.timezone)}: ${word(`run_${wrong.code}`)}`)),
    one.ended_at && fact(word('endedAt'), `${moment(one.ended_at)} · ${word('endedWhy')}`),
  ].filter(Boolean);
}
