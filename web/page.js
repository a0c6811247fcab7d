// The page: either somebody signs in, or somebody is at the desk, asking and watching.
import { connect } from './api.js';
import { askToSignIn, forget, onSignIn, remember, rememberedKey } from './account.js';
import { openAsk } from './ask.js';
import { find } from './dom.js';
import { openWatch } from './watch.js';

/** Ends every listener, timer and call of the one who is signed in. */
let session = new AbortController();

async function enter(key) {
  session.abort();
  session = new AbortController();
  const { signal } = session;
  const api = connect(key, { refused: leave, signal });
  const account = await api.account();
  if (signal.aborted) return;
  remember(key);
  show('desk', account.owner);
  const watch = openWatch({ api, account, signal });
  openAsk({ api, account, signal, asked: () => watch.refresh() });
  find('#ask-title').focus();
}

function leave(error) {
  session.abort();
  forget();
  show('sign-in');
  askToSignIn(error);
}

function show(view, owner = '') {
  find('#desk').hidden = view !== 'desk';
  find('#sign-in').hidden = view !== 'sign-in';
  find('#who').hidden = view !== 'desk';
  find('#owner').textContent = owner;
}

async function begin() {
  onSignIn(enter);
  find('#sign-out').addEventListener('click', () => leave());
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
    show('sign-in');
    askToSignIn(error);
  }
}

begin();
