// Checks that a callback is Cutline's, and runs a server for callbacks; callback.py describes the signature.
//
//     CUTLINE_CALLBACK_KEY=... node docs/examples/callback.mjs 8001      prints one line per task
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const TOLERANCE_S = 300;
const MAX_BYTES = 10 * 1024 * 1024;

// key: from `cutline account callback-key NAME`; header: X-Cutline-Signature; body: a Buffer of the bytes as received.
export function isGenuine(key, header, body, now = Date.now() / 1000) {
  const fields = Object.fromEntries(header.split(",").map((field) => field.split("=")));
  if (!/^\d+$/.test(fields.t ?? "") || Math.abs(now - Number(fields.t)) > TOLERANCE_S) return false;
  const expected = createHmac("sha256", key).update(`${fields.t}.`).update(body).digest();
  const given = Buffer.from(fields.v1 ?? "", "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

// Calls `ended` once per task with its data (state 1 and links, or a negative state); again if it threw or rejected.
export function callbacks(key, ended) {
  const known = new Map(); // by task, because a callback may come twice; a real shop uses its database

  async function receive(request) {
    const parts = [];
    let size = 0;
    for await (const part of request) if ((size += part.length) <= MAX_BYTES) parts.push(part);
    const body = Buffer.concat(parts); // the signed bytes; with Express use express.raw(), not express.json()
    if (size > MAX_BYTES || !isGenuine(key, request.headers["x-cutline-signature"] ?? "", body)) return 403;
    const { data } = JSON.parse(body);
    const forget = (error) => {
      known.delete(data.task_id);
      throw error;
    };
    if (!known.has(data.task_id)) known.set(data.task_id, Promise.resolve(data).then(ended).catch(forget));
    await known.get(data.task_id);
    return 204;
  }

  return async (request, response) => {
    let status = 500; // Cutline tries again unless it gets 2xx
    try {
      status = await receive(request);
    } catch (error) {
      console.error("callback:", error); // `ended` failed, or the connection closed
    }
    response.writeHead(status).end();
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const server = createServer(callbacks(process.env.CUTLINE_CALLBACK_KEY, (data) => console.log(JSON.stringify(data))));
  server.listen(Number(process.argv[2] ?? 8001), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
}
