// Asking: the form, what it offers, and the answer to it.
import { Unreachable } from './api.js';
import { absolve, blame, complain, mayPass, settle } from './complaint.js';
import { find, make, say, whileBusy } from './dom.js';
import { daysBetween, lastDays } from './period.js';
import { counted, kindName, period } from './words.js';
import { ownZone, zones } from './zone.js';

/** What the form begins with, where the account's limit allows it. */
const DEFAULT_DAYS = 7;

const MISSING = {
  app_token: 'Choose an app.',
  kind: 'Choose what to export.',
  start_date: 'Choose the first day.',
  end_date: 'Choose the last day.',
  timezone: 'Choose a time zone, for example UTC.',
  email: 'Enter the address that gets the file.',
};

/** Opens the form for an account; `asked` is called when something new stands in the queue. */
export function openAsk({ api, account, signal, asked }) {
  const form = find('#ask-form');
  forgetLast(form);
  offerApps(form, account.apps);
  offerKinds(account.kinds);
  offerZones(form, signal);
  offerPeriods(form, account.limits, signal);
  explainMail(form, account);
  form.addEventListener('input', (event) => absolve(form, event.target.name), { signal });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    whileBusy(form.querySelector('[type=submit]'), () => submit(form, api, asked));
  }, { signal });
}

function forgetLast(form) {
  form.reset();
  absolve(form);
  settle(find('#ask-alert'));
  answer('');
}

function offerApps(form, apps) {
  const options = apps.map(({ app_token: token }) => make('option', { value: token }, token));
  form.elements.app_token.replaceChildren(...options);
  form.querySelector('[type=submit]').disabled = apps.length === 0;
  form.elements.app_token.disabled = apps.length === 0;
  say(find('#app-hint'), apps.length > 0 ? '' : 'No app is registered for you yet. Whoever runs Relay can add one.');
}

function offerKinds(kinds) {
  const segments = kinds.map((kind, index) => make(
    'label',
    {},
    make('input', { type: 'radio', name: 'kind', value: kind, checked: index === 0, defaultChecked: index === 0 }),
    make('span', {}, kindName(kind)),
  ));
  find('#kinds').replaceChildren(...segments);
}

function offerZones(form, signal) {
  find('#zones').replaceChildren(...zones().map((zone) => make('option', { value: zone })));
  const field = form.elements.timezone;
  field.value = 'UTC';
  const own = ownZone();
  const button = find('#own-zone');
  button.textContent = `Use ${own}`;
  button.hidden = own === 'UTC';
  button.addEventListener('click', () => {
    field.value = own;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.focus();
  }, { signal });
}

function offerPeriods(form, { max_export_days: most }, signal) {
  const { start_date: start, end_date: end, timezone } = form.elements;
  const presets = [...find('#presets').children];
  const pressed = () => presets.find((preset) => preset.ariaPressed === 'true');
  const explain = () => explainPeriod(daysBetween(start.value, end.value), most);
  const choose = (preset) => {
    ({ start: start.value, end: end.value } = lastDays(Number(preset.dataset.days), timezone.value));
    presets.forEach((one) => one.setAttribute('aria-pressed', String(one === preset)));
    absolve(form, 'start_date');
    absolve(form, 'end_date');
    explain();
  };
  const ownDates = () => {
    presets.forEach((one) => one.setAttribute('aria-pressed', 'false'));
    explain();
  };
  for (const preset of presets) {
    preset.hidden = Number(preset.dataset.days) > most;
    preset.addEventListener('click', () => choose(preset), { signal });
  }
  start.addEventListener('input', ownDates, { signal });
  end.addEventListener('input', ownDates, { signal });
  timezone.addEventListener('input', () => pressed() && choose(pressed()), { signal });
  choose(presets.find((one) => Number(one.dataset.days) === Math.min(DEFAULT_DAYS, most)) ?? presets[0]);
}

function explainPeriod(days, most) {
  const hint = find('#period-hint');
  const limit = `One file may cover up to ${counted(most, 'day')}.`;
  say(hint, days >= 1 ? `${counted(days, 'day')} chosen. ${limit}` : limit);
  hint.classList.toggle('warn', days > most);
}

function explainMail(form, { mail_domains: domains, unreachable = [] }) {
  form.elements.email.placeholder = domains.length > 0 ? `you@${domains[0]}` : '';
  const lost = unreachable.map(({ email }) => email).join(', ');
  const where = domains.length > 0
    ? `Addresses at ${domains.join(', ')} are registered.`
    : 'No mail domain is registered for you yet. Whoever runs Relay can add one.';
  find('#email-hint').textContent = lost ? `${where} No mail goes to ${lost}: one came back or was reported as spam.` : where;
}

async function submit(form, api, asked) {
  absolve(form);
  settle(find('#ask-alert'));
  answer('');
  const request = readRequest(form);
  const missing = Object.keys(MISSING).filter((field) => !request[field]);
  if (missing.length > 0) {
    blame(form, missing.map((field) => ({ field, detail: MISSING[field] })));
    return;
  }
  try {
    tell(request, await api.ask(request));
    asked();
  } catch (error) {
    explainFailure(form, error, asked);
  }
}

function readRequest(form) {
  const fields = form.elements;
  return {
    app_token: fields.app_token.value,
    kind: fields.kind?.value ?? '',
    start_date: fields.start_date.value,
    end_date: fields.end_date.value,
    timezone: fields.timezone.value.trim(),
    email: fields.email.value.trim(),
    format: 'csv',
    excel: fields.excel.checked,
  };
}

function tell(request, reply) {
  if (reply.status === 'empty') {
    const what = kindName(request.kind).toLowerCase();
    const when = period(request.start_date, request.end_date);
    answer(`Nothing found: ${request.app_token} has no ${what} for ${when} (${request.timezone}). No mail is sent.`, 'notice');
    return;
  }
  if (reply.status !== 'queued') {
    answer('You asked for the same a moment ago: it is the export below.', 'good');
    return;
  }
  const place = reply.position > 1 ? ` It is number ${reply.position} in line.` : '';
  if (reply.warnings) {
    answer(`Asked.${place} The file will be in the list below, but ${reply.warnings.join('; ')}.`, 'notice');
    return;
  }
  answer(`Asked.${place} A mail goes to ${request.email} when the file is ready.`, 'good');
}

function explainFailure(form, error, asked) {
  if (error.name === 'AbortError' || error.status === 401) return;
  error.unplaced = blame(form, error.fields ?? []);
  if (error.fields?.length > 0 && error.unplaced.length === 0) return;
  const lost = error instanceof Unreachable;
  complain(find('#ask-alert'), error, {
    advice: lost ? 'Your request may or may not have arrived: look at your exports before you ask again.' : '',
    retry: mayPass(error) ? () => form.requestSubmit() : undefined,
  });
  if (lost) asked();
}

function answer(text, tone = '') {
  const box = find('#ask-answer');
  box.className = `answer ${tone}`;
  say(box, text);
}
