// Whether a callback is Cutline's; callback.py says how it works.
import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 300;

// key: from `cutline account callback-key NAME`; header: X-Cutline-Signature; body: a Buffer of the bytes as they came.
export function isGenuine(key, header, body, now = Date.now() / 1000) {
  const fields = Object.fromEntries(header.split(",").map((field) => field.split("=")));
  if (!/^\d+$/.test(fields.t ?? "") || Math.abs(now - Number(fields.t)) > TOLERANCE_S) return false;
  const expected = createHmac("sha256", key).update(`${fields.t}.`).update(body).digest();
  const given = Buffer.from(fields.v1 ?? "", "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
