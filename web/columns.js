// Which columns a file has, in which order and under which names; kept under a name of one's own for the next time.
import { find, make, say } from './dom.js';
import { word } from './words.js';

const STORED_AS = 'relay.columns';
/** A short list to begin with: what most reports are made of. */
const ESSENTIALS = ['created_at', 'kind', 'network_name', 'campaign_name', 'adgroup_name', 'creative_name', 'country', 'os_name',
  'adid', 'event_name', 'revenue', 'currency'];

/** What was kept in this browser: name → columns. What is no such thing is as good as nothing. */
function stored() {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(STORED_AS))).filter(([, columns]) => Array.isArray(columns)));
  } catch {
    return {};
  }
}

const nameOf = (column) => column.column ?? column;
const isFixed = (column) => column.value !== undefined;
const headerOf = (column) => column.header ?? column;

/** The choice of columns, behind the fold of the form. `kinds` tells which kinds are chosen, `changed` hears of each change. */
export class ColumnPicker {
  #kinds;
  #account;
  #changed;
  /** Null stands for the columns that each kind has by itself. */
  #chosen = null;
  #preset = make('select', { id: 'columns-preset' });
  #search = make('input', { type: 'search', autocomplete: 'off', spellcheck: false });
  #all = make('div', { className: 'all-columns', role: 'group' });
  #list = make('ol', { className: 'chosen' });
  #editor = make('div', { className: 'editor', hidden: true });
  #news = make('p', { className: 'unseen', role: 'status' });
  #forgetting = make('button');
  #dragged = null;

  constructor(account, kinds, changed, signal) {
    this.#account = account;
    this.#kinds = kinds;
    this.#changed = changed;
    this.#preset.addEventListener('change', () => this.#take(this.#preset.value));
    this.#search.addEventListener('input', (event) => {
      event.stopPropagation();
      this.#filter();
    });
    this.#all.addEventListener('change', ({ target }) => this.#toggle(target.value, target.checked));
    this.#editor.addEventListener('keydown', (event) => this.#enter(event));
    this.#listenToOrder();
    signal.addEventListener('abort', () => find('#columns-inside').replaceChildren());
  }

  get columns() {
    return this.#chosen;
  }

  set columns(columns) {
    this.#chosen = columns?.length > 0 ? [...columns] : null;
    this.#draw();
  }

  /** Writes everything anew in the reader's language. */
  retell() {
    const labelled = (text, control) => make('label', { className: 'soft' }, text, control);
    const [header, value, name] = [make('input', { maxLength: 200 }), make('input', { maxLength: 1000 }), make('input', { maxLength: 40 })];
    for (const input of [header, value, name]) input.addEventListener('input', (event) => event.stopPropagation());
    const button = (text, press) => make('button', { type: 'button', className: 'quiet small', onclick: press }, text);
    this.#forgetting = button(word('forgetPreset'), () => this.#forget());
    this.#editor.replaceChildren(
      labelled(word('findColumn'), this.#search), this.#all,
      make('p', { className: 'hint' }, word('orderHint')), this.#list, this.#news,
      make('div', { className: 'row' }, labelled(word('fixedHeader'), header), labelled(word('fixedValue'), value),
        button(word('addFixed'), () => this.#addFixed(header, value))),
      make('div', { className: 'row' }, labelled(word('presetName'), name), button(word('savePreset'), () => this.#save(name)),
        this.#forgetting));
    find('#columns-inside').replaceChildren(labelled(word('preset'), this.#preset), this.#editor);
    this.#draw();
  }

  /** The line that stands beside the fold. */
  explain() {
    const usual = new Set(this.#kinds().flatMap((kind) => this.#account.columns[kind] ?? []));
    say(find('#columns-summary'), this.#chosen ? word('columnsChosen', this.#chosen.length) : word('columnsUsual', usual.size));
  }

  #known() {
    return [...new Set(Object.values(this.#account.columns).flat())];
  }

  #draw() {
    const names = Object.keys(stored());
    const option = (value, text) => make('option', { value }, text);
    this.#preset.replaceChildren(option('', word('presetUsual')), option('essentials', word('presetEssentials')),
      ...names.map((name) => option(`own ${name}`, name)), option('choice', word('presetChoice')));
    this.#preset.value = this.#presetNow(names);
    this.#editor.hidden = this.#chosen === null;
    this.#forgetting.hidden = !this.#preset.value.startsWith('own ');
    if (this.#chosen) {
      const has = new Set(this.#chosen.map(nameOf));
      this.#all.replaceChildren(...this.#known().map((column) => make('label', { className: 'check' },
        make('input', { type: 'checkbox', value: column, checked: has.has(column) }), make('code', {}, column))));
      this.#all.ariaLabel = word('columns');
      this.#filter();
      this.#list.replaceChildren(...this.#chosen.map((column, at) => this.#row(column, at)));
      this.#list.ariaLabel = word('columnsInOrder');
    }
    this.explain();
  }

  #presetNow(names) {
    if (!this.#chosen) return '';
    const now = JSON.stringify(this.#chosen);
    if (now === JSON.stringify(this.#essentials())) return 'essentials';
    const own = names.find((name) => JSON.stringify(stored()[name]) === now);
    return own === undefined ? 'choice' : `own ${own}`;
  }

  #essentials() {
    const known = this.#known();
    return ESSENTIALS.filter((column) => known.includes(column));
  }

  #take(value) {
    if (value === '') this.#set(null);
    else if (value === 'essentials') this.#set(this.#essentials());
    else if (value.startsWith('own ')) this.#set(stored()[value.slice(4)]);
    else this.#set(this.#chosen ?? [...(this.#account.columns[this.#kinds()[0] ?? 'install'])]);
    if (value === 'choice') this.#preset.value = value;
  }

  #set(columns) {
    this.#chosen = columns;
    this.#draw();
    this.#changed();
  }

  #toggle(column, isWanted) {
    const rest = this.#chosen.filter((one) => nameOf(one) !== column);
    this.#set(isWanted ? [...rest, column] : rest);
    this.#all.querySelector(`[value="${CSS.escape(column)}"]`)?.focus();
  }

  #filter() {
    const sought = this.#search.value.trim().toLowerCase();
    for (const label of this.#all.children) label.hidden = !label.textContent.includes(sought);
  }

  #row(column, at) {
    const what = isFixed(column) ? `“${column.value}”` : nameOf(column);
    const header = make('input', { value: column.header ?? '', placeholder: what, maxLength: 200, ariaLabel: word('headerOf', what), spellcheck: false });
    header.addEventListener('change', () => this.#rename(at, header.value.trim()));
    const button = (sign, label, press) => make('button', { type: 'button', className: 'quiet small icon', ariaLabel: label, onclick: press }, sign);
    return make('li', { draggable: true },
      make('span', { className: 'grip', 'aria-hidden': 'true' }, '⠿'), make('code', {}, what), header,
      button('↑', word('moveUp', what), () => this.#move(at, at - 1, 0)),
      button('↓', word('moveDown', what), () => this.#move(at, at + 1, 1)),
      button('✕', word('removeColumn', what), () => this.#remove(at)));
  }

  #rename(at, header) {
    const column = this.#chosen[at];
    const name = nameOf(column);
    const renamed = isFixed(column) ? { ...column, header: header || column.header } : header && header !== name ? { column: name, header } : name;
    this.#set(this.#chosen.with(at, renamed));
  }

  /** Moves a column; the focus goes with it, on the button that was pressed. */
  #move(from, to, button) {
    if (to < 0 || to >= this.#chosen.length) return;
    const columns = [...this.#chosen];
    columns.splice(to, 0, ...columns.splice(from, 1));
    this.#set(columns);
    this.#list.children[to].querySelectorAll('button')[button]?.focus();
    say(this.#news, word('movedTo', headerOf(columns[to]), to + 1, columns.length));
  }

  #remove(at) {
    this.#set(this.#chosen.toSpliced(at, 1));
    (this.#list.children[at] ?? this.#list.lastElementChild)?.querySelector('button:last-child').focus();
  }

  /** Enter in one of these fields does what the field is for; it does not send the form. */
  #enter(event) {
    if (event.key !== 'Enter' || !event.target.matches('input')) return;
    event.preventDefault();
    const button = event.target.closest('.row')?.querySelector('button');
    if (button) button.click();
    else event.target.blur();
  }

  #addFixed(header, value) {
    if (!header.value.trim()) {
      header.focus();
      return;
    }
    this.#set([...this.#chosen, { value: value.value, header: header.value.trim() }]);
    header.value = '';
    value.value = '';
    header.focus();
  }

  #save(name) {
    const given = name.value.trim();
    if (!given) {
      name.focus();
      return;
    }
    localStorage.setItem(STORED_AS, JSON.stringify({ ...stored(), [given]: this.#chosen }));
    name.value = '';
    this.#draw();
    say(this.#news, word('presetSaved', given));
  }

  #forget() {
    const { [this.#preset.value.slice(4)]: _, ...rest } = stored();
    localStorage.setItem(STORED_AS, JSON.stringify(rest));
    this.#draw();
    this.#preset.focus();
  }

  #listenToOrder() {
    const at = (row) => [...this.#list.children].indexOf(row);
    const rowOf = (event) => event.target.closest?.('li');
    this.#list.addEventListener('dragstart', (event) => {
      this.#dragged = rowOf(event);
      event.dataTransfer.effectAllowed = 'move';
    });
    this.#list.addEventListener('dragover', (event) => {
      if (this.#dragged) event.preventDefault();
    });
    this.#list.addEventListener('drop', (event) => {
      event.preventDefault();
      const target = rowOf(event);
      if (this.#dragged && target) this.#move(at(this.#dragged), at(target));
      this.#dragged = null;
    });
    this.#list.addEventListener('keydown', (event) => {
      const step = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const buttons = [...event.target.closest('li').querySelectorAll('button')];
      this.#move(at(rowOf(event)), at(rowOf(event)) + step, Math.max(buttons.indexOf(event.target), step < 0 ? 0 : 1));
    });
  }
}
