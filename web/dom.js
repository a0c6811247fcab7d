// The little of the DOM that every part of the page needs. Data enters as text only, never as markup.

export const find = (selector) => document.querySelector(selector);

/** An element with properties (attributes where the name has a dash) and children (elements or text). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-')) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Sets text only when it differs, so that a live region does not speak twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Marks a control as busy without taking the focus from it, runs the work, and ignores presses meanwhile.
 */
export async function whileBusy(button, work) {
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true';
  try {
    await work();
  } finally {
    button.ariaDisabled = null;
  }
}
