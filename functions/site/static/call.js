// Sends a call and reads the answer.

import { fromBase64, toBase64 } from "./bytes.js";
import { aidgeQuery, jdHeaders } from "./sign.js";

const POLL_MS = 1000;
const GIVE_UP_MS = 120000;

export const isSigned = (scheme) => scheme === "jd" || scheme === "aidge";

// Encodes the body of a call. With a `source`, the picture's address, the picture itself is left out.
async function encode(body, picture, source) {
  const fields = source ? { ...body.fields, [body.link]: source } : body.fields;
  if (body.kind === "multipart") {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    if (!source) form.append(body.file, picture.blob, picture.name);
    return form;
  }
  const bytes = async () => new Uint8Array(await picture.blob.arrayBuffer());
  if (body.kind === "bytes") return bytes();
  const document = source ? fields : { ...fields, [body.file]: toBase64(await bytes()) };
  return new TextEncoder().encode(JSON.stringify(document));
}

export async function authenticated(call, url, body, credentials) {
  if (call.scheme === "jd") return jdHeaders(url, body, call.body.contentType, credentials);
  const headers = { ...call.body.headers, ...(call.body.contentType && { "Content-Type": call.body.contentType }) };
  if (call.scheme !== "aidge") return { ...headers, [call.scheme]: credentials.key };
  for (const [name, value] of Object.entries(await aidgeQuery(credentials))) url.searchParams.set(name, value);
  return headers;
}

export async function exchange(url, init) {
  const begun = performance.now();
  const response = await fetch(url, { cache: "no-store", ...init });
  const head = { status: response.status, headers: response.headers };
  if (response.headers.get("Content-Type")?.startsWith("image/")) {
    // The answer is the picture itself; the page reads it from a field.
    const bytes = new Uint8Array(await response.arrayBuffer());
    const json = { file: `data:${response.headers.get("Content-Type")};base64,${toBase64(bytes)}` };
    return { ...head, ms: performance.now() - begun, json, text: "" };
  }
  const text = await response.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // A proxy between the page and the service answered; its text is shown unchanged.
  }
  return { ...head, ms: performance.now() - begun, json, text };
}

export async function send(call, picture, credentials, source) {
  const url = new URL(call.path, document.baseURI);
  const body = await encode(call.body, picture, source);
  const headers = await authenticated(call, url, body, credentials);
  return exchange(url, { method: "POST", headers, body });
}

// Polls a task until it has ended, and calls `onState` with every state before that.
export async function follow(call, taskId, credentials, read, onState) {
  const url = new URL(`${call.path}/${encodeURIComponent(taskId)}`, document.baseURI);
  const begun = performance.now();
  for (;;) {
    const answer = await exchange(url, { headers: { [call.scheme]: credentials.key } });
    const seen = readAnswer(answer, read);
    if (!seen.pending || performance.now() - begun > GIVE_UP_MS) return { answer, seen };
    onState(seen);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}

// Reads an answer by the API's `read`. Those of API Gateway and proxies do not have the API's shape, and become a fault.
export function readAnswer(answer, read) {
  try {
    const seen = read(answer.json);
    if (seen.images || seen.pending || seen.fault?.message) return seen;
  } catch {
    // becomes a fault below
  }
  return { fault: { code: String(answer.status), message: answer.json?.message ?? answer.text.slice(0, 300) } };
}

// Loads the file behind a link or inside an answer.
export async function load(image) {
  if (!/^(https?|data):/.test(image)) return new Blob([fromBase64(image)], { type: "image/png" });
  const response = await fetch(image);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.blob();
}

export function stagesOf(headers) {
  return (headers.get("Server-Timing") ?? "")
    .split(",")
    .map((entry) => entry.trim().split(";dur="))
    .filter((parts) => parts.length === 2)
    .map(([name, ms]) => ({ name, ms: Number(ms) }));
}
