// Who is asking: the API key, kept for this tab only, and the form that takes it.
import { find, whileBusy } from './dom.js';
import { absolve, blame, complain, settle } from './complaint.js';

const STORED_AS = 'relay.api-key';

export const rememberedKey = () => sessionStorage.getItem(STORED_AS) ?? '';
export const remember = (key) => sessionStorage.setItem(STORED_AS, key);
export const forget = () => sessionStorage.removeItem(STORED_AS);

// The browser refuses to send a header with other characters, which would look like a broken network.
export const isHeaderSafe = (key) => /^[\x21-\x7e]+$/.test(key);

/** Calls `enter(key)` each time somebody signs in; it throws what must be said beside the form. */
export function onSignIn(enter) {
  const form = find('#sign-in-form');
  form.addEventListener('input', () => absolve(form));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    whileBusy(form.querySelector('button'), () => tryKey(form, enter));
  });
}

/** Shows the form, with what went wrong before, if anything did. */
export function askToSignIn(error) {
  const form = find('#sign-in-form');
  if (error?.status === 401) refuse(form);
  else if (error) complain(find('#sign-in-alert'), error);
  form.elements.key.focus();
}

async function tryKey(form, enter) {
  absolve(form);
  settle(find('#sign-in-alert'));
  const key = form.elements.key.value.trim();
  if (!isHeaderSafe(key)) {
    blame(form, [{ field: 'key', missing: !key, known: key && 'keySigns' }]);
    return;
  }
  try {
    await enter(key);
    form.reset();
  } catch (error) {
    if (error.status === 401) return;
    complain(find('#sign-in-alert'), error, { retry: () => form.requestSubmit() });
  }
}

function refuse(form) {
  absolve(form);
  blame(form, [{ field: 'key', known: 'keyRefused' }]);
  form.elements.key.select();
}
