// Lambda's Runtime API by a plain socket that stays open, as the managed runtime's native client has it: next call, answer, next call.
import { createConnection } from "node:net";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const ROOT = "/2018-06-01/runtime/invocation";
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** Calls the handler with each event (text) and posts what it answers as JSON; an error ends the process. */
export async function run(handler) {
  const socket = createConnection({ host, port: Number(port), noDelay: true });
  let received = Buffer.alloc(0);
  const chunks = socket[Symbol.asyncIterator]();
  const more = async () => {
    const { value, done } = await chunks.next();
    if (done) process.exit(0);
    received = received.length ? Buffer.concat([received, value]) : value;
  };
  const exchange = async (method, path, body = "") => {
    socket.write(`${method} ${ROOT}${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    let end;
    while ((end = received.indexOf(END_OF_HEAD)) < 0) await more();
    const head = received.toString("latin1", 0, end);
    const whole = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)[1]);
    // A large event comes in many pieces: they are joined once.
    const pieces = [received];
    for (let have = received.length; have < whole; ) {
      const { value } = await chunks.next();
      pieces.push(value);
      have += value.length;
    }
    if (pieces.length > 1) received = Buffer.concat(pieces);
    const text = received.toString("utf8", end + 4, whole);
    received = received.subarray(whole);
    return { head, text };
  };
  for (;;) {
    const { head, text } = await exchange("GET", "/next");
    const id = /\r\nlambda-runtime-aws-request-id: *([^\r]+)/i.exec(head)[1];
    await exchange("POST", `/${id}/response`, JSON.stringify(await handler(text)));
  }
}
