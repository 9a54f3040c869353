// The signatures of JD Cloud and Aidge, made in the browser: secrets never leave the page.

import { hex, hmac, sha256 } from "./bytes.js";

const ALGORITHM = "JDCLOUD2-HMAC-SHA256";
const SIGNED = "content-type;host;x-jdcloud-date;x-jdcloud-nonce";

// Signs a POST of exactly these bytes and returns its headers; only tests pass `now` and `nonce`.
export async function jdHeaders(url, body, contentType, { key, secret }, now = new Date(), nonce = crypto.randomUUID()) {
  const date = `${now.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
  const block = `content-type:${contentType}\nhost:${url.host}\nx-jdcloud-date:${date}\nx-jdcloud-nonce:${nonce}\n`;
  const canonical = ["POST", url.pathname, "", block, SIGNED, hex(await sha256(body))].join("\n");
  const scope = `${date.slice(0, 8)}/cn-north-1/cutout/jdcloud2_request`;
  const text = [ALGORITHM, date, scope, hex(await sha256(canonical))].join("\n");
  let signing = `JDCLOUD2${secret}`;
  for (const part of scope.split("/")) signing = await hmac(signing, part);
  const signature = hex(await hmac(signing, text));
  return {
    "Content-Type": contentType,
    "x-jdcloud-date": date,
    "x-jdcloud-nonce": nonce,
    Authorization: `${ALGORITHM} Credential=${key}/${scope}, SignedHeaders=${SIGNED}, Signature=${signature}`,
  };
}

// Aidge's v2 signature covers the time, not the body.
export async function aidgeQuery({ key, secret }, now = Date.now()) {
  const sign = hex(await hmac(secret, secret + now)).toUpperCase();
  return { partner_id: "aidge", sign_method: "sha256", sign_ver: "v2", app_key: key, timestamp: String(now), sign };
}
