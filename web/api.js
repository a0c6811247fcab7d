// The HTTP API as seen from the page: one function a call, two kinds of failure.
import { hasWord, word } from './words.js';

/** How long a call may take before the page stops waiting, in milliseconds. API Gateway gives up after 30 s. */
const PATIENCE_MS = 31_000;

/** The API answered, and its answer is an error (RFC 9457). */
class Problem extends Error {
  #body;
  constructor(status, body, traceId) {
    super();
    this.#body = body;
    this.status = status;
    this.kind = (body.type ?? '').split(':').at(-1);
    this.fields = Array.isArray(body.errors) ? body.errors : [];
    this.traceId = body.trace_id || traceId || '';
  }

  /** In the reader's language where the page knows the case, else in the API's own words. */
  get message() {
    const known = `problem_${this.kind}`;
    if (hasWord(known)) return word(known);
    return this.#body.detail || this.#body.title || word('answeredWith', this.status);
  }
}

/** No answer came: nobody knows whether the call arrived. */
export class Unreachable extends Error {
  #timedOut;
  constructor(timedOut) {
    super();
    this.#timedOut = timedOut;
  }

  get message() {
    if (!navigator.onLine) return word('offlineNow');
    return word(this.#timedOut ? 'tookTooLong' : 'cannotBeReached');
  }
}

/**
 * The calls an API key may make. `refused` is told when the key is not accepted; `signal` ends what is under way.
 */
export function connect(key, { refused, signal }) {
  const call = async (method, path, body) => {
    try {
      const json = body !== undefined && { 'content-type': 'application/json' };
      return await send(method, path, { authorization: `Bearer ${key}`, ...json }, body && JSON.stringify(body), signal);
    } catch (error) {
      if (error.status === 401) refused(error);
      throw error;
    }
  };
  const one = (id) => `/v1/exports/${encodeURIComponent(id)}`;
  const page = (cursor, limit) => new URLSearchParams({ limit, ...(cursor && { cursor }) });
  return {
    account: () => call('GET', '/v1/account'),
    exports: (cursor, limit) => call('GET', `/v1/exports?${page(cursor, limit)}`),
    export: (id) => call('GET', one(id)),
    ask: (request) => call('POST', '/v1/exports', request),
    preview: (request) => call('POST', '/v1/exports/preview', request),
    summary: (query) => call('GET', `/v1/activities/summary?${query}`),
    cancel: (id) => call('DELETE', one(id)),
    freshLink: (id) => call('POST', `${one(id)}/link`),
    deleteFiles: (id) => call('DELETE', `${one(id)}/file`),
    schedules: (cursor, limit) => call('GET', `/v1/schedules?${page(cursor, limit)}`),
    schedule: (request) => call('POST', '/v1/schedules', request),
    endSchedule: (id) => call('DELETE', `/v1/schedules/${encodeURIComponent(id)}`),
    arrivals: (app) => call('GET', `/v1/arrivals${app ? `?${new URLSearchParams({ app_token: app })}` : ''}`),
    /** A callback as a provider sends it, under an ingest key: that this one is refused says nothing of the API key. */
    callback: (ingestKey, fields) => send('POST', '/v1/callbacks/adjust', { 'x-relay-key': ingestKey }, new URLSearchParams(fields), signal),
  };
}

async function send(method, path, headers, body, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: 'application/json', ...headers },
      body,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.any([signal, patience]),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreachable(patience.aborted);
  }
  const answer = await read(response, signal, patience);
  if (response.ok) return answer;
  throw new Problem(response.status, answer, response.headers.get('x-relay-trace-id'));
}

// A gateway's own error page and an empty 204 are not JSON; what they say is in the status.
async function read(response, signal, patience) {
  try {
    return (await response.json()) ?? {};
  } catch (error) {
    if (signal.aborted) throw error;
    // An answer that was cut off on its way says nothing, whatever its status.
    if (response.ok && response.status !== 204) throw new Unreachable(patience.aborted);
    return {};
  }
}
