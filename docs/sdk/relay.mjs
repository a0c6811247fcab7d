// A reference client of Relay's `POST /v1/activities`: batches, a bounded queue, retries with back-off, signatures.
// Node 20 and later, and whatever else has fetch, CompressionStream and WebCrypto. No dependencies. Apache-2.0.

const MAX_ITEMS = 500; // of a batch; Relay takes no more
const MAX_BATCH_CHARS = 1_000_000; // at most 4 bytes each, unpacked; Relay takes 4 MiB
const MAX_QUEUED = 10_000; // a few MB; what is older is worth more than what is newer, so a full queue takes no more
const SEND_EVERY_MS = 10_000;
const ANSWER_WITHIN_MS = 35_000; // longer than the 29 s after which API Gateway gives up
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 300_000;
const QUEUE = 'relay.queue';

export class Relay {
  #options;
  #queue;
  #timer;
  #sending;
  #failures = 0;

  /**
   * `url`: the API, without a path. `key`: an ingest key. `appToken`: where an activity names none.
   * `signingSecret`: where the owner has batches signed; only in a program that nobody else can take apart.
   * `storage`: keeps the queue over a restart; anything with localStorage's getItem and setItem. Without one it is in memory alone.
   * `onRejected(activity, {code, detail})`: told of each activity that Relay will never take; it is not sent again. Must not throw.
   */
  constructor(options) {
    this.#options = { storage: undefined, onRejected: () => {}, random: Math.random, now: Date.now, ...options };
    this.#queue = read(this.#options.storage?.getItem(QUEUE));
    if (this.#queue.length > 0) this.#sendIn(0);
  }

  /** Queues an activity and returns its event_id; undefined where the queue is full. Time and id are set here, once: that makes a retry harmless. */
  track(activity) {
    if (this.#queue.length >= MAX_QUEUED) return undefined;
    const { appToken, now } = this.#options;
    const whole = { kind: 'event', app_token: appToken, created_at: now(), event_id: crypto.randomUUID(), ...activity };
    this.#queue.push(whole);
    this.#save();
    // While Relay is not well, only the timer sends.
    if (this.#failures === 0) this.#sendIn(this.#queue.length >= MAX_ITEMS ? 0 : SEND_EVERY_MS);
    return whole.event_id;
  }

  /** Sends what is queued, now. Resolves when the queue is empty, or Relay has to be left alone for a while. */
  flush() {
    this.#sending ??= this.#sendAll().finally(() => { this.#sending = undefined; });
    return this.#sending;
  }

  /** Ends the timer; what is queued stays in the storage. */
  close() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #sendAll() {
    this.close();
    while (this.#queue.length > 0) {
      const batch = this.#nextBatch();
      const retryAfterMs = await this.#send(batch);
      if (retryAfterMs !== undefined) {
        const longest = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** this.#failures++);
        return this.#sendIn(retryAfterMs + this.#options.random() * longest);
      }
      this.#failures = 0;
      this.#queue.splice(0, batch.length);
      this.#save();
    }
  }

  /** Settles a batch, or answers after how many milliseconds at least it is to be sent again, whole. */
  async #send(batch) {
    const { url, key, signingSecret, now, onRejected } = this.#options;
    let response, answer;
    try {
      const body = await gzip(batch.map((activity) => JSON.stringify(activity)).join('\n'));
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/x-ndjson', // compressed bodies never as JSON: API Gateway would pass them on as text
        'content-encoding': 'gzip',
      };
      if (signingSecret) headers['x-relay-signature'] = await sign(signingSecret, body, now());
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      response = await fetch(`${url}/v1/activities`, { method: 'POST', headers, body, signal });
      answer = await response.json().catch(() => ({}));
    } catch {
      return 0; // No answer: it may be stored or not. The same ids make it harmless to send it again.
    }
    const refused = (activity, { code, detail }) => onRejected(activity, { code, detail });
    if (response.status === 200 && Number.isInteger(answer.accepted)) {
      for (const rejected of answer.rejected ?? []) refused(batch[rejected.index], rejected);
      return undefined;
    }
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      const code = answer.type ?? `http-${response.status}`;
      for (const activity of batch) refused(activity, { code, detail: answer.detail });
      return undefined;
    }
    // 429, 5xx, or a 200 that is not Relay's: a hotel's log-in page answers so, too.
    return (Number(response.headers.get('retry-after')) || 0) * 1000;
  }

  #nextBatch() {
    let chars = 0;
    const fits = (activity) => (chars += JSON.stringify(activity).length) <= MAX_BATCH_CHARS;
    const head = this.#queue.slice(0, MAX_ITEMS);
    const end = head.findIndex((activity, index) => !fits(activity) && index > 0);
    return end < 0 ? head : head.slice(0, end);
  }

  #sendIn(ms) {
    if (ms > 0 && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), ms);
  }

  #save() {
    this.#options.storage?.setItem(QUEUE, JSON.stringify(this.#queue));
  }
}

/** The header `X-Relay-Signature` of a body, as it is sent. Sign each attempt anew: a signature holds for five minutes. */
export async function sign(secret, body, nowMs) {
  const time = Math.floor(nowMs / 1000);
  const bytes = (text) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey('raw', bytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = await new Blob([`${time}.`, body]).arrayBuffer();
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, signed));
  return `t=${time},v1=${Array.from(signature, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** A queue as it was kept. One that a crash has cut off begins anew: it must not keep the program from starting. */
function read(text) {
  try {
    return JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
}

async function gzip(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
