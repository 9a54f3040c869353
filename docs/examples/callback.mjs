// Whether a callback is Cutline's, and a server that takes callbacks; callback.py says how the signature is made.
//
//     CUTLINE_CALLBACK_KEY=... node docs/examples/callback.mjs 8001      prints what it believes, one line per task
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const TOLERANCE_S = 300;
const MOST_BYTES = 10 * 1024 * 1024;

// key: from `cutline account callback-key NAME`; header: X-Cutline-Signature; body: a Buffer of the bytes as they came.
export function isGenuine(key, header, body, now = Date.now() / 1000) {
  const fields = Object.fromEntries(header.split(",").map((field) => field.split("=")));
  if (!/^\d+$/.test(fields.t ?? "") || Math.abs(now - Number(fields.t)) > TOLERANCE_S) return false;
  const expected = createHmac("sha256", key).update(`${fields.t}.`).update(body).digest();
  const given = Buffer.from(fields.v1 ?? "", "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

// Calls `ended` once per task with its data: state 1 and links, or a state below zero.
export function callbacks(key, ended) {
  const known = new Set(); // a callback may come twice; a real shop asks its database
  return async (request, response) => {
    const parts = [];
    let size = 0;
    for await (const part of request) if ((size += part.length) <= MOST_BYTES) parts.push(part);
    const body = Buffer.concat(parts); // express.json() would lose the bytes that were signed: use express.raw()
    if (size > MOST_BYTES || !isGenuine(key, request.headers["x-cutline-signature"] ?? "", body)) {
      response.writeHead(403).end();
      return;
    }
    const { data } = JSON.parse(body);
    if (!known.has(data.task_id)) {
      known.add(data.task_id);
      await ended(data);
    }
    response.writeHead(204).end(); // anything but 2xx is tried again
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const server = createServer(callbacks(process.env.CUTLINE_CALLBACK_KEY, (data) => console.log(JSON.stringify(data))));
  server.listen(Number(process.argv[2] ?? 8001), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
}
