// A worker as it is usually written: queries an item an activity, writes rows as text, uploads parts while the next one fills.
// usage: export.mjs ENDPOINT attributes|documents MINUTES COLUMNS; tells rows, cpu_us and peak_kib as JSON
import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, S3Client, UploadPartCommand } from "@aws-sdk/client-s3";

const began = process.cpuUsage();
const [endpoint, table, minutes, columns] = process.argv.slice(2);
const names = columns.split(",");
const TIMES = new Set(["created_at", "received_at", "click_time", "impression_time", "installed_at", "install_begin_time", "install_finish_time", "reattributed_at"]);
const PART_BYTES = 16 * 1024 * 1024;
const FIRST_DAY = Date.UTC(2026, 9, 31);
const DAY_MS = 86_400_000;
const SEOUL_MS = 9 * 3_600_000;

const settings = { endpoint, region: "eu-west-1", credentials: { accessKeyId: "bench", secretAccessKey: "bench" } };
const dynamodb = new DynamoDBClient(settings);
const s3 = new S3Client({ ...settings, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });

// Rows of the same day share its text.
let day = -1;
let date = "";
const two = (number) => (number < 10 ? `0${number}` : `${number}`);

function localTime(ms) {
  const seconds = Math.floor((Number(ms) + SEOUL_MS) / 1000);
  if (Math.floor(seconds / 86_400) !== day) {
    day = Math.floor(seconds / 86_400);
    date = new Date(day * DAY_MS).toISOString().slice(0, 10);
  }
  const second = seconds % 86_400;
  return `${date} ${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
}

const special = /[",\r\n]/;
const quoted = (text) => (special.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function cell(name, value) {
  if (value === undefined) return "";
  return TIMES.has(name) ? localTime(value) : quoted(value);
}

/** An item whose activity is one JSON text. */
function fromDocument(item) {
  const activity = JSON.parse(item.doc.S);
  activity.extra = JSON.stringify(activity.extra);
  return activity;
}

/** An item whose attributes are an activity's fields. */
function fromAttributes(item) {
  const activity = {};
  for (const name in item) if (name !== "extra") activity[name] = item[name].S ?? item[name].N;
  const extra = {};
  for (const name in item.extra.M) extra[name] = item.extra.M[name].S;
  activity.extra = JSON.stringify(extra);
  return activity;
}

async function* pages() {
  for (let at = FIRST_DAY; at <= FIRST_DAY + (15 * 60 + Number(minutes) - 1) * 60_000; at += DAY_MS) {
    let ExclusiveStartKey;
    const input = {
      TableName: table,
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: { ":pk": { S: `2fm9gkqubvpc#event#${new Date(at).toISOString().slice(0, 10)}` }, ":from": { S: "0000" }, ":to": { S: "2400" } },
    };
    do {
      const answer = await dynamodb.send(new QueryCommand({ ...input, ExclusiveStartKey }));
      yield answer.Items;
      ExclusiveStartKey = answer.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }
}

const place = { Bucket: "exports", Key: table };
const { UploadId } = await s3.send(new CreateMultipartUploadCommand(place));
const parts = [];
let sending = Promise.resolve();

/** Sends a part; at most one is on its way. */
async function put(texts) {
  const Body = Buffer.from(texts.join(""));
  const PartNumber = parts.length + 1;
  parts.push({ PartNumber });
  await sending;
  sending = s3.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body })).then(({ ETag }) => { parts[PartNumber - 1].ETag = ETag; });
}

const read = { attributes: fromAttributes, documents: fromDocument }[table];
let texts = [`${names.join(",")}\n`];
let length = 0;
let rows = 0;
for await (const items of pages()) {
  const lines = items.map((item) => {
    const activity = read(item);
    return names.map((name) => cell(name, activity[name])).join(",");
  });
  const text = lines.length ? `${lines.join("\n")}\n` : "";
  texts.push(text);
  length += Buffer.byteLength(text);
  rows += items.length;
  if (length >= PART_BYTES) {
    await put(texts);
    texts = [];
    length = 0;
  }
}
await put(texts);
await sending;
await s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } }));
const { user, system } = process.cpuUsage(began);
console.log(JSON.stringify({ rows, cpu_us: user + system, peak_kib: process.resourceUsage().maxRSS }));
