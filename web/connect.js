// Connecting a provider: the address to paste there, and a test callback that shows whether the way is open.
import { isHeaderSafe } from './account.js';
import { absolve, blame, complain, mayPass, settle } from './complaint.js';
import { copy, find, make, say, whileBusy } from './dom.js';
import { moment, providerName, word } from './words.js';

/** How often and how long to look for the test callback, in milliseconds: the writer takes seconds. */
const [LOOK_MS, PATIENCE_MS] = [2_000, 90_000];

/** Adjust's placeholders that Relay has columns for: each under its own name. */
const ADJUST = `nonce activity_kind created_at event event_name currency app_id app_name app_version store environment sdk_version network_name
campaign_name adgroup_name creative_name tracker_name is_organic match_type click_time impression_time installed_at install_begin_time
install_finish_time conversion_duration referrer click_attribution_window impression_attribution_window probmatching_attribution_window
is_reattributed reattributed_at reattribution_attribution_window inactive_user_definition last_tracker_name reinstalled_at uninstalled_at
rejection_reason adid gps_adid android_id idfa idfv oaid country country_subdivision city postal_code language device_name device_type os_name
os_version att_status connection_type isp ip_address user_agent fb_install_referrer_publisher_platform fb_install_referrer_ad_objective_name
fb_install_referrer_campaign_group_name fb_install_referrer_campaign_name fb_install_referrer_adgroup_name`.split(/\s+/);

/** Kochava's macros, where they have other names than Relay's columns. */
const KOCHAVA = `event_name created_at=event_time attribution_type network_name campaign_name creative_name tracker_name site_id click_time
installed_at=install_time match_type adid=kochava_device_id gps_adid=adid android_id idfa idfv ip_address=ip user_agent country
device_name=device_model os_name=platform os_version app_version`.split(/\s+/);

const macros = (names) => names.map((name) => name.split('=')).map(([name, macro = name]) => `&${name}={${macro}}`).join('');

/** What each provider's address has behind the app token. */
const TEMPLATES = {
  adjust: `${macros(ADJUST)}&revenue={revenue_float}`,
  appsflyer: '',
  branch: '',
  airbridge: '',
  singular: '',
  kochava: macros(KOCHAVA),
};

export function openConnect({ api, account, signal, arrived }) {
  const connect = new Connect({ api, account, signal, arrived });
  connect.retell();
  return connect;
}

class Connect {
  #api;
  #signal;
  #arrived;
  #apps;
  #provider = make('select', { id: 'connect-provider' });
  #app = make('select', { id: 'connect-app' });
  #url = make('textarea', { id: 'connect-url', readOnly: true, rows: 4, spellcheck: false, 'aria-describedby': 'connect-hint' });
  #hint = make('p', { id: 'connect-hint', className: 'hint' });
  #copy = make('button', { type: 'button', className: 'quiet small' });
  #key = make('input', { id: 'ingest_key', name: 'ingest_key', type: 'password', autocomplete: 'off', spellcheck: false, 'aria-describedby': 'ingest_key-error ingest_key-hint' });
  #send = make('button', { type: 'submit', className: 'primary' });
  #alert = make('div', { id: 'test-alert', className: 'alert', role: 'alert', hidden: true });
  #result = make('p', { id: 'test-result', className: 'answer', role: 'status' });
  #form = make('form', { id: 'test-form', noValidate: true });
  #said = null;

  constructor({ api, account, signal, arrived }) {
    this.#api = api;
    this.#signal = signal;
    this.#arrived = arrived;
    this.#apps = account.apps.map(({ app_token: token }) => token);
    this.#provider.replaceChildren(...Object.keys(TEMPLATES).map((name) => make('option', { value: name }, providerName(name))));
    this.#app.replaceChildren(...this.#apps.map((token) => make('option', { value: token }, token)));
    this.#provider.addEventListener('change', () => this.#explain());
    this.#app.addEventListener('change', () => this.#explain());
    this.#copy.addEventListener('click', () => copy(this.#copy, this.#url.value, word('copied')).catch(() => this.#url.select()));
    this.#form.addEventListener('input', () => absolve(this.#form));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      whileBusy(this.#send, () => this.#test());
    });
    // The key lives in its field only, and goes with whoever was signed in.
    signal.addEventListener('abort', () => { this.#key.value = ''; });
  }

  retell() {
    const labelled = (id, text, ...inside) => make('div', { className: 'field' }, make('label', { htmlFor: id }, text), ...inside);
    say(this.#copy, word('copy'));
    say(this.#send, word('sendTest'));
    this.#form.replaceChildren(
      make('h3', {}, word('testTitle')), make('p', { className: 'hint' }, word('testHint')),
      labelled('ingest_key', word('ingestKey'), this.#key, make('p', { className: 'error', id: 'ingest_key-error', hidden: true }),
        make('p', { className: 'hint', id: 'ingest_key-hint' }, word('ingestKeyHint'))),
      this.#alert, this.#send, this.#result);
    find('#connect').replaceChildren(
      make('h2', { id: 'connect-title' }, word('connectTitle')),
      make('div', { className: 'pair' }, labelled('connect-provider', word('provider'), this.#provider), labelled('connect-app', word('app'), this.#app)),
      labelled('connect-url', word('urlToPaste'), this.#url, this.#copy, this.#hint), this.#form);
    this.#explain();
    this.#tell(this.#said);
  }

  #explain() {
    const provider = this.#provider.value;
    const app = this.#app.value || `<${word('appToken')}>`;
    this.#url.value = `${location.origin}/v1/callbacks/${provider}?key=<${word('ingestKey')}>&app_token=${app}${TEMPLATES[provider]}`;
    say(this.#hint, `${word(`setup_${provider}`)} ${word('setupHint')}`);
  }

  async #test() {
    settle(this.#alert);
    this.#tell(null);
    const key = this.#key.value.trim();
    if (!isHeaderSafe(key)) {
      blame(this.#form, [{ field: 'ingest_key', missing: !key, known: key && 'keySigns' }]);
      return;
    }
    const app = this.#app.value;
    try {
      const before = await this.#counted(app);
      const reply = await this.#api.callback(key, lifelike(app));
      if (reply.status === 'accepted') await this.#watch(app, before);
      else this.#tell(['notice', 'testKept', reply.reason]);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.#tell(null);
      if (error.status === 401) blame(this.#form, [{ field: 'ingest_key', known: 'ingestKeyRefused' }]);
      else complain(this.#alert, error, { retry: mayPass(error) ? () => this.#form.requestSubmit() : undefined });
    }
  }

  /** Looks until the count of the app's installs has moved. */
  async #watch(app, before) {
    this.#tell(['notice', 'testSent']);
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
      if (this.#signal.aborted) return;
      const now = await this.#counted(app);
      if (now.number > before.number || now.last > before.last) {
        this.#tell(['good', 'testArrived', now.last, now.number]);
        this.#arrived();
        return;
      }
    }
    this.#tell(['notice', 'testSlow']);
  }

  async #counted(app) {
    const { apps } = await this.#api.arrivals(app);
    const found = apps[0]?.arrivals.find((one) => one.provider === 'adjust' && one.kind === 'install');
    return { number: found?.received_24h ?? 0, last: found?.last_received_at ?? '' };
  }

  #tell(said) {
    this.#said = said;
    const [tone, name, first, second] = said ?? ['', '', ''];
    this.#result.className = `answer ${tone}`;
    if (name === 'testArrived') say(this.#result, word(name, moment(first), second));
    else say(this.#result, name && word(name, first && `${word(`reason_${first}`)}. ${word(`mend_${first}`)}`));
  }
}

/** An install as Adjust tells of one, marked as a test; the nonce makes it a callback of its own. */
const lifelike = (app) => ({
  app_token: app,
  activity_kind: 'install',
  created_at: Math.floor(Date.now() / 1000),
  nonce: `relay-test-${crypto.randomUUID()}`,
  environment: 'sandbox',
  adid: crypto.randomUUID().replaceAll('-', ''),
  network_name: 'Organic',
  tracker_name: 'Relay test',
  country: 'kr',
  os_name: 'android',
  device_name: 'Relay test',
});
