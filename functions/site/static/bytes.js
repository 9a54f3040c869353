// Bytes and texts: base64, hex, hashes and HMAC by WebCrypto.

const utf8 = new TextEncoder();

export const bytesOf = (value) => (typeof value === "string" ? utf8.encode(value) : value);

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function sha256(value) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(value)));
}

export async function hmac(key, message) {
  const imported = await crypto.subtle.importKey("raw", bytesOf(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytesOf(message)));
}

export function toBase64(bytes) {
  const step = 0x8000; // more arguments than this overflow the stack of some browsers
  let text = "";
  for (let at = 0; at < bytes.length; at += step) text += String.fromCharCode(...bytes.subarray(at, at + step));
  return btoa(text);
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
