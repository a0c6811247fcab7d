// The reference client against a server that answers as told, and, where RELAY_DOOR names one, against the real door.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { Relay, sign } from '../../docs/sdk/relay.mjs';

const KEY = process.env.RELAY_KEY ?? 'relay_ingest_1';
const SECRET = process.env.RELAY_SIGNING_SECRET;

/** A server that gives these answers in turn, then 200; `requests` is what it was sent. */
async function serve(t, ...answers) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const activities = gunzipSync(body).toString().split('\n').map(JSON.parse);
    requests.push({ headers: request.headers, body, activities });
    const answer = answers.shift() ?? {};
    if (answer.cut) return request.socket.destroy();
    const ok = JSON.stringify({ accepted: activities.length, rejected: [] });
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? ok);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

function storage(kept = {}) {
  return { kept, getItem: (name) => kept[name] ?? null, setItem: (name, text) => { kept[name] = text; } };
}

/** A client that is closed after the test: a timer must keep no test waiting. */
function client(t, options) {
  const relay = new Relay({ key: KEY, appToken: 'app', random: () => 0, ...options });
  t.after(() => relay.close());
  return relay;
}

test('activities go out as one compressed batch, with a time and an id', async (t) => {
  const { url, requests } = await serve(t);
  const relay = client(t, { url });
  const id = relay.track({ kind: 'install' });
  relay.track({ event_name: '구매 🎮\n', event_id: 'mine', created_at: 1_700_000_000_000 });
  await relay.flush();
  assert.equal(requests.length, 1);
  const [{ headers, activities }] = requests;
  assert.equal(headers.authorization, `Bearer ${KEY}`);
  assert.equal(headers['content-type'], 'application/x-ndjson');
  assert.equal(headers['content-encoding'], 'gzip');
  assert.equal(headers['x-relay-signature'], undefined);
  assert.deepEqual(activities.map((one) => [one.kind, one.app_token, one.event_id]), [['install', 'app', id], ['event', 'app', 'mine']]);
  assert.equal(activities[1].event_name, '구매 🎮\n');
  assert.ok(Math.abs(Date.now() - activities[0].created_at) < 60_000);
  await relay.flush();
  assert.equal(requests.length, 1, 'an empty queue sends nothing');
});

test('what Relay could not take is sent again, whole, with the same ids', async (t) => {
  const page = { body: '<html>log in</html>' };
  const { url, requests } = await serve(t, { status: 503 }, { status: 429 }, { status: 500, body: '{"message":"x"}' }, { cut: true }, page);
  const relay = client(t, { url });
  for (let index = 0; index < 3; index++) relay.track({ event_name: `e${index}` });
  for (let attempt = 0; attempt < 6; attempt++) await relay.flush();
  assert.equal(requests.length, 6);
  for (const request of requests) assert.deepEqual(request.activities, requests[0].activities);
  await relay.flush();
  assert.equal(requests.length, 6, 'taken is taken');
});

test('it waits longer from failure to failure, and as long as it is asked to', async (t) => {
  const waits = [];
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (act, ...rest) => (/flush/.test(act) ? void waits.push(rest[0]) : setTimeout(act, ...rest)));
  const failures = Array.from({ length: 12 }, () => 503);
  t.mock.method(globalThis, 'fetch', async () => new Response('{}', { status: failures.shift() ?? 503, headers: { 'retry-after': '5' } }));
  const relay = client(t, { url: 'http://relay.invalid', random: () => 1 });
  relay.track({});
  waits.length = 0;
  for (let attempt = 0; attempt < 11; attempt++) await relay.flush();
  relay.track({});
  const expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => (5 + seconds) * 1000);
  assert.deepEqual(waits, expected, 'and a new activity does not hasten it');
});

test('what Relay will never take is told and not sent again', async (t) => {
  const problem = (status, type) => ({ status, body: JSON.stringify({ type: `urn:relay:problem:${type}`, detail: 'why' }) });
  const bad = { accepted: 1, rejected: [{ index: 1, code: 'bad_time', detail: 'created_at is missing' }] };
  const answers = [{ body: JSON.stringify(bad) }, problem(401, 'unknown-key'), problem(400, 'malformed'), { status: 403, body: '<html>' }];
  const { url, requests } = await serve(t, ...answers);
  const told = [];
  const relay = client(t, { url, onRejected: (activity, { code }) => told.push([activity.event_name, code]) });
  for (const name of ['good', 'bad']) relay.track({ event_name: name });
  await relay.flush();
  for (const name of ['a', 'b', 'c']) {
    relay.track({ event_name: name });
    await relay.flush();
  }
  await relay.flush();
  assert.equal(requests.length, 4);
  assert.deepEqual(told, [['bad', 'bad_time'], ['a', 'urn:relay:problem:unknown-key'], ['b', 'urn:relay:problem:malformed'], ['c', 'http-403']]);
});

test('a batch has at most 500 items and a million characters', async (t) => {
  const { url, requests } = await serve(t);
  const relay = client(t, { url });
  for (let index = 0; index < 1_001; index++) relay.track({});
  for (let index = 0; index < 25; index++) relay.track({ note: 'x'.repeat(60_000) });
  await relay.flush();
  assert.deepEqual(requests.map((request) => request.activities.length), [500, 500, 17, 9]);
});

test('a queue that is full takes no more, and one that was kept goes on', async (t) => {
  const { url, requests } = await serve(t, { status: 503 });
  const place = storage();
  const first = client(t, { url, storage: place });
  const id = first.track({ event_name: 'before' });
  await first.flush();
  first.close();
  const second = client(t, { url, storage: place });
  await second.flush();
  assert.deepEqual(requests.map((request) => request.activities.map((one) => one.event_id)), [[id], [id]]);
  assert.equal(place.kept['relay.queue'], '[]');
  const full = client(t, { url: 'http://127.0.0.1:1' });
  for (let index = 0; index < 10_000; index++) assert.ok(full.track({}));
  full.close();
  assert.equal(full.track({}), undefined);
});

test('what is tracked while a batch is under way is sent behind it', async (t) => {
  const { url, requests } = await serve(t);
  const relay = client(t, { url });
  relay.track({ event_name: 'first' });
  const sent = relay.flush();
  relay.track({ event_name: 'second' });
  assert.equal(relay.flush(), sent, 'one request at a time');
  await sent;
  assert.deepEqual(requests.flatMap((request) => request.activities.map((one) => one.event_name)), ['first', 'second']);
});

test('a signature is the one that the document shows, made anew for each attempt', async (t) => {
  const secret = 'relay_signing_0000000000000000000000000000000000000000000000000000000000000001';
  const body = '[{"kind":"install","app_token":"abc123","created_at":1700000000000}]';
  const shown = 't=1700000000,v1=4525cdb24ae6650c630d6f86623e32421207e51b3d49236607e6eb082cdeac95';
  assert.equal(await sign(secret, new TextEncoder().encode(body), 1_700_000_000_999), shown);
  const { url, requests } = await serve(t, { status: 503 });
  let now = 1_700_000_000_000;
  const relay = client(t, { url, signingSecret: secret, now: () => now });
  relay.track({});
  await relay.flush();
  now += 600_000;
  await relay.flush();
  for (const [index, { headers, body }] of requests.entries()) {
    assert.equal(headers['x-relay-signature'], await sign(secret, body, 1_700_000_000_000 + index * 600_000));
  }
});

test('the real door takes what it sends', { skip: process.env.RELAY_DOOR === undefined }, async (t) => {
  const told = [];
  const options = { url: process.env.RELAY_DOOR, signingSecret: SECRET, onRejected: (...rejected) => told.push(rejected) };
  const relay = client(t, options);
  for (let index = 0; index < 600; index++) relay.track({ event_name: `구매 ${index}`, revenue: '12.990', currency: 'EUR' });
  relay.track({ kind: 'nonsense' });
  await relay.flush();
  assert.deepEqual(told.map(([activity, { code }]) => [activity.kind, code]), [['nonsense', 'bad_kind']]);
  const unsigned = client(t, { ...options, signingSecret: undefined });
  unsigned.track({});
  await unsigned.flush();
  assert.equal(told[1][1].code, 'urn:relay:problem:missing-signature');
});
