// The stream's reader as it is usually written: each activity becomes an item of its own, 25 of them a call, four calls at a time.
import { DynamoDBClient, BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { run } from "./runtime.mjs";

const dynamodb = new DynamoDBClient({ requestHandler: new NodeHttpHandler() });
const { ITEMS_TABLE } = process.env;
const ITEMS_A_CALL = 25;
const CALLS = 4;
const KEPT_MS = 90 * 86_400_000;

function item(activity) {
  const at = new Date(activity.created_at).toISOString();
  const item = {
    pk: { S: `${activity.app_token}#${activity.kind}#${at.slice(0, 10)}` },
    sk: { S: `${at.slice(11, 19)}#${activity.id}` },
    expires_at: { N: String(Math.ceil((activity.created_at + KEPT_MS) / 1000)) },
  };
  for (const [name, value] of Object.entries(activity)) item[name] = typeof value === "number" ? { N: String(value) } : { S: String(value) };
  return { PutRequest: { Item: item } };
}

async function write(requests) {
  let left = requests;
  for (let attempt = 0; left?.length; attempt += 1) {
    if (attempt > 5) throw new Error("the table does not take the items");
    if (attempt > 0) await new Promise((resume) => setTimeout(resume, 50 * 2 ** attempt * Math.random()));
    const { UnprocessedItems } = await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [ITEMS_TABLE]: left } }));
    left = UnprocessedItems?.[ITEMS_TABLE];
  }
}

await run(async (text) => {
  const requests = [];
  for (const { kinesis } of JSON.parse(text).Records) {
    for (const activity of JSON.parse(Buffer.from(kinesis.data, "base64").toString())) requests.push(item(activity));
  }
  let next = 0;
  const lane = async () => {
    while (next < requests.length) {
      const from = next;
      next += ITEMS_A_CALL;
      await write(requests.slice(from, next));
    }
  };
  await Promise.all(Array.from({ length: CALLS }, lane));
  return { batchItemFailures: [] };
});
