// What the form offers, and the request that it holds: written into it and read out of it.
import { absolve } from './complaint.js';
import { ColumnPicker } from './columns.js';
import { find, make, say } from './dom.js';
import { daysBetween, lastDays } from './period.js';
import { count, kindName, languageNow, listed, span, word } from './words.js';
import { ZoneField, explainZone } from './zone.js';

/** What the form begins with, where the account's limit allows it. */
const DEFAULT_DAYS = 7;
/** The delays to choose from, in minutes, as far as the account's limit goes; and the API's own default. */
const DELAYS = [0, 30, 60, 120, 180, 360, 720, 1440, 2880];
const DEFAULT_DELAY = 120;
/** A request that is made once; the other frequencies are the account's. */
const ONCE = 'once';

export class AskForm {
  #account;
  #form = find('#ask-form');
  #presets = [...find('#presets').children];
  #filters;
  #columns;

  constructor(account, signal) {
    this.#account = account;
    this.#form.reset();
    absolve(this.#form);
    const changed = () => this.#form.dispatchEvent(new Event('input', { bubbles: true }));
    this.#filters = new FilterRows(account.filters, changed, signal);
    this.#columns = new ColumnPicker(account, () => this.kinds, changed, signal);
    this.#offer();
    new ZoneField(this.#fields.timezone, find('#zones'), signal);
    for (const preset of this.#presets) {
      preset.hidden = Number(preset.dataset.days) > account.limits.max_export_days;
      preset.addEventListener('click', () => this.#choose(preset), { signal });
    }
    this.#choose(this.#preset(Math.min(DEFAULT_DAYS, account.limits.max_export_days)) ?? this.#presets[0]);
    this.#form.addEventListener('input', (event) => this.#heard(event.target), { signal });
    document.addEventListener('language', () => this.#retell(), { signal });
    this.#retell();
  }

  get #fields() {
    return this.#form.elements;
  }

  get kinds() {
    return [...find('#kinds').querySelectorAll(':checked')].map((box) => box.value);
  }

  get frequency() {
    return this.#fields.frequency.value;
  }

  /** The request as it stands; a field that is not filled is an empty text or absent. */
  read() {
    const fields = this.#fields;
    const emails = fields.email.value.split(/[\s,;]+/).filter(Boolean);
    const one = (list) => (list.length > 1 ? list : list[0] ?? '');
    const [columns, filters] = [this.#columns.columns, this.#filters.filters];
    const isOnce = this.frequency === ONCE;
    return {
      ...(isOnce ? { start_date: fields.start_date.value, end_date: fields.end_date.value }
        : { frequency: this.frequency, delay_minutes: Number(fields.delay_minutes.value) }),
      app_token: fields.app_token.value,
      kind: one(this.kinds),
      timezone: fields.timezone.value.trim(),
      email: one(emails),
      language: fields.language.value,
      format: fields.format.value,
      ...(columns && { columns }),
      ...(Object.keys(filters).length > 0 && { filters }),
      ...(fields.excel.checked && !fields.excel.disabled && { excel: true }),
    };
  }

  /** A delay that was asked for elsewhere stands among those to choose from. */
  #offerDelay(minutes) {
    const field = this.#fields.delay_minutes;
    if (minutes === undefined || [...field.options].some(({ value }) => Number(value) === minutes)) return;
    field.append(make('option', { value: minutes }));
  }

  /** Takes an export's or a schedule's request over. */
  fill(request) {
    const fields = this.#fields;
    const kinds = [request.kind ?? this.kinds].flat();
    find('#kinds').querySelectorAll('input').forEach((box) => { box.checked = kinds.includes(box.value); });
    fields.frequency.value = request.frequency ?? ONCE;
    this.#offerDelay(request.delay_minutes);
    for (const name of ['app_token', 'timezone', 'start_date', 'end_date', 'delay_minutes', 'language', 'format']) {
      if (request[name] !== undefined) fields[name].value = request[name];
    }
    if (request.email) fields.email.value = [request.email].flat().join(', ');
    if ('excel' in request) fields.excel.checked = request.excel;
    if ('filters' in request) this.#filters.filters = request.filters ?? {};
    if ('columns' in request) this.#columns.columns = request.columns;
    if (request.start_date) this.#press(null);
    absolve(this.#form);
    this.#retell();
    this.#form.dispatchEvent(new Event('input', { bubbles: true }));
  }

  #offer() {
    const { apps, kinds, frequencies, formats, languages, limits } = this.#account;
    this.#fields.app_token.replaceChildren(...apps.map(({ app_token: token }) => make('option', { value: token }, token)));
    this.#fields.app_token.disabled = apps.length === 0;
    find('#submit').disabled = apps.length === 0;
    const segment = (type, name, value, checked) => make('label', {},
      make('input', { type, name, value, checked, defaultChecked: checked }), make('span', {}));
    find('#kinds').replaceChildren(...kinds.map((kind, at) => segment('checkbox', 'kind', kind, at === 0)));
    find('#frequencies').replaceChildren(...[ONCE, ...frequencies].map((one, at) => segment('radio', 'frequency', one, at === 0)));
    find('#formats').replaceChildren(...formats.map((format, at) => make('label', { className: 'choice' },
      make('input', { type: 'radio', name: 'format', value: format, checked: at === 0, defaultChecked: at === 0 }),
      make('code', {}, format), make('span', { className: 'soft' }))));
    this.#fields.language.replaceChildren(...languages.map((tag) => make('option', { value: tag })));
    this.#fields.language.value = languages.includes(languageNow()) ? languageNow() : languages[0];
    this.#fields.delay_minutes.replaceChildren(...DELAYS.filter((one) => one <= limits.max_delay_minutes).map((one) => make('option', { value: one })));
    this.#fields.delay_minutes.value = DEFAULT_DELAY;
  }

  #heard(target) {
    if (target.name === 'start_date' || target.name === 'end_date') this.#press(null);
    const pressed = this.#presets.find((one) => one.ariaPressed === 'true');
    if (target.name === 'timezone' && pressed) this.#choose(pressed);
    this.#explain();
  }

  #preset(days) {
    return this.#presets.find((one) => Number(one.dataset.days) === days);
  }

  #press(preset) {
    this.#presets.forEach((one) => one.setAttribute('aria-pressed', String(one === preset)));
  }

  #choose(preset) {
    const { start_date: first, end_date: last, timezone } = this.#fields;
    ({ start: first.value, end: last.value } = lastDays(Number(preset.dataset.days), timezone.value));
    absolve(this.#form, 'start_date');
    absolve(this.#form, 'end_date');
    this.#press(preset);
    this.#form.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Everything that the form says in the reader's language. */
  #retell() {
    const name = (box, text) => say(box.parentElement.lastElementChild, text);
    find('#kinds').querySelectorAll('input').forEach((box) => name(box, kindName(box.value)));
    find('#frequencies').querySelectorAll('input').forEach((box) => name(box, word(`often_${box.value}`)));
    find('#formats').querySelectorAll('input').forEach((box) => name(box, word(`format_${box.value}`)));
    const named = new Intl.DisplayNames(languageNow(), { type: 'language' });
    for (const option of this.#fields.language.options) say(option, named.of(option.value));
    for (const option of this.#fields.delay_minutes.options) say(option, option.value === '0' ? word('atOnce') : span(Number(option.value) * 60));
    say(find('#app-hint'), this.#account.apps.length > 0 ? '' : word('noApp'));
    this.#filters.retell();
    this.#columns.retell();
    this.#explainMail();
    this.#explain();
  }

  /** What follows from the choices that are made. */
  #explain() {
    const isOnce = this.frequency === ONCE;
    find('#once').hidden = !isOnce;
    find('#again').hidden = isOnce;
    say(find('#submit'), word(isOnce ? 'ask_once' : 'ask_again'));
    say(find('#delay-hint'), isOnce ? '' : word(`covers_${this.frequency}`));
    const { start_date: first, end_date: last, format, excel, timezone } = this.#fields;
    const most = this.#account.limits.max_export_days;
    const days = daysBetween(first.value, last.value);
    const hint = find('#period-hint');
    say(hint, [days >= 1 && word('daysChosen', days), word('periodLimit', most)].filter(Boolean).join(' '));
    hint.classList.toggle('warn', days > most);
    excel.disabled = !format.value.startsWith('csv');
    explainZone(find('#timezone-hint'), timezone.value.trim());
    this.#columns.explain();
  }

  #explainMail() {
    const { mail_domains: domains, unreachable = [], limits } = this.#account;
    this.#fields.email.placeholder = domains.length > 0 ? `you@${domains[0]}` : '';
    const where = domains.length > 0 ? word('mailDomains', listed(domains), count(limits.max_addresses)) : word('noDomain');
    const lost = unreachable.length > 0 ? word('unreachable', listed(unreachable.map(({ email }) => email))) : '';
    say(find('#email-hint'), `${where} ${lost}`.trim());
  }
}

/** What the form begins with: a test callback is no result of a campaign. */
const FIRST_FILTERS = { environment: ['production'] };

class FilterRows {
  #names;
  #box = find('#filters');
  #add = find('#add-filter');
  #changed;

  constructor(names, changed, signal) {
    this.#names = names;
    this.#changed = changed;
    this.filters = Object.fromEntries(Object.entries(FIRST_FILTERS).filter(([name]) => names.includes(name)));
    this.#add.addEventListener('change', () => {
      this.#row(this.#add.value, []).querySelector('textarea').focus();
      this.#offer();
    }, { signal });
  }

  /** Field → values; a field without a value filters nothing. */
  get filters() {
    const read = [...this.#box.children].map((row) => [row.dataset.field, values(row)]);
    return Object.fromEntries(read.filter(([, list]) => list.length > 0));
  }

  set filters(filters) {
    this.#box.replaceChildren();
    Object.entries(filters).forEach(([name, list]) => this.#row(name, list));
    this.#offer();
  }

  retell() {
    for (const row of this.#box.children) this.#tell(row);
    this.#offer();
  }

  #row(name, list) {
    const id = `filter-${name}`;
    const remove = make('button', { type: 'button', className: 'quiet small icon' }, '✕');
    const row = make('div', { className: 'filter' },
      make('label', { htmlFor: id }),
      make('textarea', { id, rows: 1, spellcheck: false, value: list.join('\n'), 'aria-describedby': `${id}-hint` }),
      remove,
      make('p', { id: `${id}-hint`, className: 'hint' }));
    row.dataset.field = name;
    remove.addEventListener('click', () => {
      row.remove();
      this.#offer();
      this.#add.focus();
      this.#changed();
    });
    this.#box.append(row);
    this.#tell(row);
    return row;
  }

  #tell(row) {
    const { field } = row.dataset;
    say(row.querySelector('label'), word('filterIs', word(`field_${field}`)));
    row.querySelector('button').ariaLabel = word('removeFilter', word(`field_${field}`));
    say(row.querySelector('p'), word(field === 'environment' ? 'filterEnvironment' : 'filterHint'));
  }

  #offer() {
    const taken = [...this.#box.children].map((row) => row.dataset.field);
    const free = this.#names.filter((name) => !taken.includes(name));
    this.#add.replaceChildren(make('option', { value: '' }, `+ ${word('addFilter')}`),
      ...free.map((name) => make('option', { value: name }, word(`field_${name}`))));
    this.#add.hidden = free.length === 0;
  }
}

// A line a value: the names of campaigns have commas.
const values = (row) => [...new Set(row.querySelector('textarea').value.split('\n').map((value) => value.trim()).filter(Boolean))];
