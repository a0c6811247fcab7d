// Time zones the browser knows, and a field that finds one by its name, its city or its offset. The API decides which names are good.
import { make, say } from './dom.js';
import { languageNow, word } from './words.js';

/** How many are offered at a time. */
const MOST_OFFERED = 40;

/** The zone of this browser, as an IANA name. */
function ownZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** One part of a zone's clock; nothing where the browser does not know the zone. */
function part(zone, type, options, language = 'en') {
  try {
    return new Intl.DateTimeFormat(language, { ...options, timeZone: zone }).formatToParts().find((one) => one.type === type)?.value ?? '';
  } catch {
    return '';
  }
}

/** `UTC+9`; nothing for an unknown zone. */
export const offset = (zone) => part(zone, 'timeZoneName', { timeZoneName: 'shortOffset' }).replace('GMT', 'UTC');

/** `Korean Standard Time` in the reader's language. */
const longName = (zone) => part(zone, 'timeZoneName', { timeZoneName: 'longGeneric' }, languageNow());

const plain = (text) => text.toLowerCase().replaceAll('_', ' ');

/** Makes a combobox of a field and its list, after the pattern of WAI-ARIA. */
export class ZoneField {
  #input;
  #list;
  #known = [];
  #language = '';
  #active = -1;

  constructor(input, list, signal) {
    this.#input = input;
    this.#list = list;
    input.value = ownZone();
    const hear = (type, heard) => input.addEventListener(type, heard, { signal });
    hear('input', () => this.#offer(input.value));
    hear('click', () => this.#offer(''));
    hear('keydown', (event) => this.#key(event));
    hear('blur', () => this.#close());
    // The list must not take the focus from the field, which would close it before the press counts.
    list.addEventListener('pointerdown', (event) => event.preventDefault(), { signal });
    list.addEventListener('click', (event) => this.#take(event.target.closest('li')), { signal });
  }

  /** The browser's own first, then UTC, then the rest; made when first needed, since it takes some time to name them all. */
  #zones() {
    if (this.#language !== languageNow()) {
      this.#language = languageNow();
      const names = new Set([ownZone(), 'UTC', ...Intl.supportedValuesOf('timeZone')]);
      this.#known = [...names].map((zone) => ({ zone, offset: offset(zone), name: longName(zone) }));
    }
    return this.#known;
  }

  #offer(typed) {
    const sought = plain(typed.trim());
    const found = this.#zones().filter((one) => plain(`${one.zone} ${one.offset} ${one.name}`).includes(sought)).slice(0, MOST_OFFERED);
    this.#list.replaceChildren(...found.map((one, index) => make('li', { id: `zone-${index}`, role: 'option', 'aria-selected': 'false', title: one.zone },
      make('span', {}, one.zone), make('span', { className: 'soft' }, [one.offset, one.name].join(' · ')))));
    if (found.length === 0) this.#list.append(make('li', { className: 'soft', role: 'option', 'aria-disabled': 'true' }, word('noZoneFound')));
    this.#activate(-1);
    this.#list.hidden = false;
    this.#input.ariaExpanded = 'true';
  }

  #key(event) {
    const isOpen = !this.#list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (isOpen) this.#activate((this.#active + step + this.#list.children.length) % this.#list.children.length);
      else this.#offer('');
    } else if (event.key === 'Escape' && isOpen) {
      event.preventDefault();
      this.#close();
    } else if (event.key === 'Enter' && isOpen && (this.#active >= 0 || !offset(this.#input.value))) {
      event.preventDefault();
      this.#take(this.#list.children[Math.max(this.#active, 0)]);
    }
  }

  #activate(index) {
    this.#active = index;
    [...this.#list.children].forEach((option, at) => option.setAttribute('aria-selected', String(at === index)));
    const option = this.#list.children[index];
    option?.scrollIntoView({ block: 'nearest' });
    if (option) this.#input.setAttribute('aria-activedescendant', option.id);
    else this.#input.removeAttribute('aria-activedescendant');
  }

  #take(option) {
    if (!option?.title) return;
    this.#input.value = option.title;
    this.#input.dispatchEvent(new Event('input', { bubbles: true }));
    this.#close();
  }

  #close() {
    this.#list.hidden = true;
    this.#input.ariaExpanded = 'false';
    this.#input.removeAttribute('aria-activedescendant');
  }
}

/** Says beside the field what the clock of the zone shows. */
export function explainZone(line, zone) {
  const now = offset(zone) && new Intl.DateTimeFormat(languageNow(), { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format();
  say(line, now ? word('zoneHint', offset(zone), now) : word('zoneHintUnknown'));
}
