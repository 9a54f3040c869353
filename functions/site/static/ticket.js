// Pictures too large for a call go by an upload ticket: straight from the browser to S3.

import { authenticated, exchange } from "./call.js";

export class UploadFailed extends Error {
  // `kind` says which words tell it (`fault.*`).
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

// Only XMLHttpRequest tells how much has been sent.
function put(ticket, picture, tell) {
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.fields)) form.append(name, value);
  form.append("file", picture.blob);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => tell(loaded / total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new UploadFailed("upload", String(request.status), request.statusText)));
    request.onerror = () => reject(new UploadFailed("upload", "", ""));
    request.open("POST", ticket.url);
    request.send(form);
  });
}

// The address that stands for the picture from now on, and what the upload took; `tell` hears the share that is sent.
export async function upload(call, picture, credentials, tell) {
  const begun = performance.now();
  const ticket = await ask(call, picture, credentials);
  await put(ticket, picture, tell);
  return { source: ticket.source, ms: performance.now() - begun, bytes: picture.blob.size };
}
