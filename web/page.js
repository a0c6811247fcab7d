// The page: who is signed in, which of its views is shown, and in which language.
import { connect, Unreachable } from './api.js';
import { askToSignIn, forget, onSignIn, remember, rememberedKey } from './account.js';
import { openAsk } from './ask.js';
import { complain, settle } from './complaint.js';
import { find, say } from './dom.js';
import { openWatch } from './watch.js';
import { languageNow, speak, translate, word } from './words.js';

/** The views by the first part of the address behind `#/`; the rest goes to the view. Those that few open are loaded when they are. */
const VIEWS = {
  '': { section: '#ask', title: 'askTitle', open: openAsk },
  exports: { section: '#watch', title: 'exportsTitle', open: openWatch },
  recurring: { section: '#recurring', title: 'recurringTitle', open: async (desk) => (await import('./recurring.js')).openRecurring(desk) },
  arrivals: { section: '#arrivals', title: 'arrivalsTitle', open: async (desk) => (await import('./arrivals.js')).openArrivals(desk) },
};

/** Ends every listener, timer and call of the one who is signed in. */
let leaving = new AbortController();
/** What the one who is signed in works with; nothing while nobody is. */
let desk = null;
/** Promises of the views that were opened, by name; the name and the view that are shown. */
let opened = {};
let current = null;
let view = null;

async function enter(key) {
  end();
  const { signal } = leaving;
  const api = connect(key, { refused: leave, signal });
  const account = await api.account();
  if (signal.aborted) return;
  remember(key);
  desk = { api, account, signal, fill };
  frame(account.owner);
  await route();
}

/** Takes a request to the form, to be changed and asked for. */
async function fill(request) {
  opened[''] ??= openAsk(desk);
  (await opened['']).fill(request);
  if (current !== '') location.hash = '#/';
}

function end() {
  leaving.abort();
  leaving = new AbortController();
  desk = null;
  opened = {};
  current = null;
  view = null;
}

function leave(error) {
  end();
  forget();
  frame(null);
  askToSignIn(error);
}

/** The frame around the views: an owner's, or nobody's. */
function frame(owner) {
  const isIn = owner !== null;
  find('#opening').hidden = true;
  find('#sign-in').hidden = isIn;
  find('#views').hidden = !isIn;
  find('#sign-out').hidden = !isIn;
  say(find('#owner'), owner ?? '');
  if (!isIn) Object.values(VIEWS).forEach(({ section }) => { find(section).hidden = true; });
  entitle();
}

/** Shows the view that the address names; an unknown one is the first. */
async function route() {
  if (!desk) return;
  const [, wanted = '', rest = ''] = location.hash.match(/^#\/([^/]*)\/?(.*)$/) ?? [];
  const name = Object.hasOwn(VIEWS, wanted) ? wanted : '';
  if (current !== name) {
    view?.hidden();
    view = null;
  }
  current = name;
  for (const [one, { section }] of Object.entries(VIEWS)) find(section).hidden = one !== name;
  for (const link of find('#views').children) link.ariaCurrent = link.hash === `#/${name}` ? 'page' : null;
  entitle();
  scrollTo(0, 0);
  find(VIEWS[name].section).querySelector('h1').focus({ preventScroll: true });
  const isHere = ((here) => () => desk === here && current === name)(desk);
  const found = await open(name, isHere);
  if (!found || !isHere()) return;
  view = found;
  view.shown(rest);
}

/** A view, opened when it is first shown; nothing where its part of the page does not come. */
async function open(name, isHere) {
  const alert = find(`${VIEWS[name].section} .alert`);
  try {
    opened[name] ??= VIEWS[name].open(desk);
    return await opened[name];
  } catch {
    delete opened[name];
    if (!isHere()) return null;
    alert.nextElementSibling.hidden = true;
    complain(alert, new Unreachable(false), { retry: () => { settle(alert); route(); } });
    return null;
  }
}

const entitle = () => {
  document.title = `${word(current === null ? 'signInTitle' : VIEWS[current].title)} – Relay`;
};

const tellConnection = () => say(find('#offline'), navigator.onLine ? '' : word('offline'));

async function changeLanguage({ target }) {
  try {
    await speak(target.value);
  } catch {
    target.value = languageNow();
    tellConnection();
  }
}

function listen() {
  onSignIn(enter);
  find('#sign-out').addEventListener('click', () => leave());
  find('#language').addEventListener('change', changeLanguage);
  find('#skip').addEventListener('click', (event) => {
    event.preventDefault();
    find('#main').focus();
  });
  addEventListener('hashchange', route);
  document.addEventListener('language', () => {
    entitle();
    tellConnection();
    say(find('#news'), '');
  });
  addEventListener('online', tellConnection);
  addEventListener('offline', tellConnection);
}

async function begin() {
  translate();
  find('#language').value = languageNow();
  tellConnection();
  listen();
  const key = rememberedKey();
  if (!key) {
    leave();
    return;
  }
  try {
    await enter(key);
  } catch (error) {
    if (error.status === 401) return;
    // The key may well be good: it stays in the field, so that one press tries again.
    find('#key').value = key;
    end();
    frame(null);
    askToSignIn(error);
  }
}

begin();
