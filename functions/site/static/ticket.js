// Uploads pictures that are too large for a call straight from the browser to S3, with an upload ticket.

import { authenticated, exchange } from "./call.js";

export class UploadFailed extends Error {
  // `kind` names its message (`fault.*`).
  constructor(kind, code, message) {
    super(message);
    Object.assign(this, { kind, code });
  }
}

const UNAUTHORIZED = 401;

async function ask(call, picture, credentials) {
  const url = new URL("uploads", document.baseURI);
  const body = JSON.stringify({ content_type: picture.blob.type, size: picture.blob.size });
  const headers = await authenticated({ scheme: call.scheme, body: { contentType: "application/json" } }, url, body, credentials);
  const { status, json, text } = await exchange(url, { method: "POST", headers, body });
  if (status === 200) return json;
  throw new UploadFailed(status === UNAUTHORIZED ? "access" : "service", String(status), json?.message ?? text.slice(0, 300));
}

// Only XMLHttpRequest reports how much has been sent.
function put(ticket, picture, onProgress) {
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.fields)) form.append(name, value);
  form.append("file", picture.blob);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new UploadFailed("upload", String(request.status), request.statusText)));
    request.onerror = () => reject(new UploadFailed("upload", "", ""));
    request.open("POST", ticket.url);
    request.send(form);
  });
}

// Uploads the picture; returns the address to call with in its place, and the time and bytes that it took.
// `onProgress` is called with the share that has been sent.
export async function upload(call, picture, credentials, onProgress) {
  const begun = performance.now();
  const ticket = await ask(call, picture, credentials);
  await put(ticket, picture, onProgress);
  return { source: ticket.source, ms: performance.now() - begun, bytes: picture.blob.size };
}
