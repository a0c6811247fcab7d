// The HTTP API as seen from the page: one function a call, two kinds of failure.

/** How long a call may take before the page stops waiting, in milliseconds. API Gateway gives up after 30 s. */
const PATIENCE_MS = 31_000;

/** The API answered, and its answer is an error (RFC 9457). */
export class Problem extends Error {
  constructor(status, body, traceId) {
    super(body.detail || body.title || `Relay answered with status ${status}.`);
    this.status = status;
    this.fields = Array.isArray(body.errors) ? body.errors : [];
    this.traceId = body.trace_id || traceId || '';
  }
}

/** No answer came: nobody knows whether the call arrived. */
export class Unreachable extends Error {}

/**
 * The calls an API key may make. `refused` is told when the key is not accepted; `signal` ends what is under way.
 */
export function connect(key, { refused, signal }) {
  const call = async (method, path, body) => {
    const response = await send(key, signal, method, path, body);
    const answer = await read(response);
    if (response.ok) return answer;
    const problem = new Problem(response.status, answer, response.headers.get('x-relay-trace-id'));
    if (problem.status === 401) refused(problem);
    throw problem;
  };
  const one = (id) => `/v1/exports/${encodeURIComponent(id)}`;
  return {
    account: () => call('GET', '/v1/account'),
    exports: (cursor, limit) => call('GET', `/v1/exports?${new URLSearchParams({ limit, ...(cursor && { cursor }) })}`),
    ask: (request) => call('POST', '/v1/exports', request),
    cancel: (id) => call('DELETE', one(id)),
    freshLink: (id) => call('POST', `${one(id)}/link`),
  };
}

async function send(key, signal, method, path, body) {
  const headers = { authorization: `Bearer ${key}`, accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.any([signal, patience]),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreachable(whyUnreachable(patience.aborted));
  }
}

function whyUnreachable(timedOut) {
  if (!navigator.onLine) return 'You are offline.';
  return timedOut ? 'Relay took too long to answer.' : 'Relay cannot be reached.';
}

// A gateway's own error page and an empty 204 are not JSON; what they say is in the status.
async function read(response) {
  try {
    return (await response.json()) ?? {};
  } catch {
    return {};
  }
}
