// The door as it is usually written: looks the key up once, parses a callback or a batch, and puts it to the stream as JSON.
import { createHash, randomUUID } from "node:crypto";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { run } from "./runtime.mjs";

// One pool of connections for both; over HTTP/1.1, which the SDK keeps alive. Kinesis's own default is HTTP/2, which costs more here.
const requestHandler = new NodeHttpHandler();
const dynamodb = new DynamoDBClient({ requestHandler });
const kinesis = new KinesisClient({ requestHandler });
const { STREAM_NAME, CONTROL_TABLE } = process.env;
const known = new Map();

async function document(pk, sk) {
  const key = `${pk} ${sk}`;
  if (!known.has(key)) {
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: CONTROL_TABLE, Key: { pk: { S: pk }, sk: { S: sk } } }));
    known.set(key, Item);
  }
  return known.get(key);
}

const answer = (statusCode, body) => ({ statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const sha256 = new Map();

/** The digest of a key; the same few keys come again and again. */
function digest(key) {
  if (!sha256.has(key)) sha256.set(key, createHash("sha256").update(key).digest("hex"));
  return sha256.get(key);
}

await run(async (text) => {
  const event = JSON.parse(text);
  const query = Object.fromEntries(new URLSearchParams(event.rawQueryString));
  const { key, ...fields } = query;
  if (!key || !(await document(`key#${digest(key)}`, "key"))) return answer(401, { code: "unauthorized" });
  const received_at = Date.now();
  const single = event.requestContext.http.method === "GET";
  const items = single ? [{ kind: fields.activity_kind, ...fields }] : JSON.parse(event.body);
  for (const item of items) {
    if (!item.app_token || !(await document(`app#${item.app_token}`, "app"))) return answer(400, { code: "unknown_app" });
    item.id = randomUUID();
    item.received_at = received_at;
  }
  // A batch travels as one record: the cheapest way there is.
  const data = Buffer.from(JSON.stringify(items));
  await kinesis.send(new PutRecordCommand({ StreamName: STREAM_NAME, PartitionKey: items[0].id, Data: data }));
  return answer(200, { accepted: items.length });
});
