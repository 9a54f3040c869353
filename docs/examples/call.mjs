// Cuts a picture out with each API whose answer is JSON. For a server; needs Node 18 or newer only.
//
//     node docs/examples/call.mjs API PICTURE RESULT      API: jd, selfie, picwish, aidge or ailab
//
// Reads CUTLINE_URL and the credentials of the API, like call.py.
import { createHash, createHmac, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

const env = process.env;
const base = new URL(env.CUTLINE_URL);
const root = base.href.replace(/\/$/, "");

const calls = {
  // JD Cloud matting: the file itself is the body.
  async jd(picture) {
    const answer = await askSigned("/api/cutout/", picture, "application/octet-stream");
    if (answer.code !== 10000 || answer.result.status !== 0) refuse(answer);
    return load(answer.result.cutout_image_url);
  },

  // JD SelfieSeg: people only. The answer contains the result.
  async selfie(picture) {
    const body = Buffer.from(JSON.stringify({ image: picture.toString("base64") }));
    const answer = await askSigned("/jdai/SelfieSeg", body, "application/json");
    if (answer.code !== "10000" || answer.result.status !== 1000) refuse(answer);
    return Buffer.from(answer.result.image, "base64");
  },

  // PicWish, synchronous.
  async picwish(picture) {
    const form = new FormData();
    form.append("sync", "1");
    form.append("type", "object");
    form.append("image_file", new Blob([picture]), "photo.jpg");
    const answer = await ask("/api/tasks/visual/segmentation", form, { "X-API-KEY": env.CUTLINE_API_KEY });
    if (answer.status !== 200 || answer.data.state !== 1) refuse(answer);
    return load(answer.data.image);
  },

  // Aidge: the query contains the signature, which covers the time.
  async aidge(picture) {
    const timestamp = String(Date.now());
    const secret = env.CUTLINE_AIDGE_SECRET;
    const query = new URLSearchParams({
      partner_id: "aidge", sign_method: "sha256", sign_ver: "v2", app_key: env.CUTLINE_AIDGE_KEY, timestamp,
      sign: createHmac("sha256", secret).update(secret + timestamp).digest("hex").toUpperCase(),
    });
    const body = JSON.stringify({ imageBase64: picture.toString("base64"), backGroundType: "TRANSPARENT" });
    const answer = await ask(`/rest/ai/image/cut/out?${query}`, body, { "Content-Type": "application/json" });
    if (!answer.success || answer.resCode !== 200) refuse(answer);
    return load(answer.data.imageUrl);
  },

  // AILabTools: clothes only; elements[1].class_url has the classes of cloth_class.
  async ailab(picture) {
    const form = new FormData();
    form.append("cloth_class", "tops,pants");
    form.append("image", new Blob([picture]), "photo.jpg");
    const headers = { "ailabapi-api-key": env.CUTLINE_API_KEY };
    const answer = await ask("/api/cutout/general/apparel-background-removal", form, headers);
    if (answer.error_code !== 0) refuse(answer);
    return load(answer.data.elements[0].image_url);
  },
};

// Sends a POST signed with JDCLOUD2-HMAC-SHA256 over exactly these bytes.
async function askSigned(path, body, contentType) {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const headers = {
    "content-type": contentType, host: base.host, "x-jdcloud-date": date, "x-jdcloud-nonce": randomUUID(),
  };
  const names = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join("");
  const sha = (data) => createHash("sha256").update(data).digest("hex");
  const signedPath = base.pathname.replace(/\/$/, "") + path;
  const canonical = ["POST", signedPath, "", lines, names, sha(body)].join("\n");
  const scope = `${date.slice(0, 8)}/cn-north-1/cutout/jdcloud2_request`;
  const text = ["JDCLOUD2-HMAC-SHA256", date, scope, sha(canonical)].join("\n");
  const mac = (key, part) => createHmac("sha256", key).update(part).digest();
  const signature = mac(scope.split("/").reduce(mac, `JDCLOUD2${env.CUTLINE_JD_SECRET}`), text).toString("hex");
  const { host, ...sent } = headers; // fetch adds the host
  const credential = `Credential=${env.CUTLINE_JD_KEY}/${scope}`;
  sent.authorization = `JDCLOUD2-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return ask(path, body, sent);
}

// The answer's JSON with any status: every API puts its errors there. retry.mjs adds retries.
async function ask(path, body, headers) {
  try {
    const answer = await fetch(root + path, { method: "POST", body, headers, signal: AbortSignal.timeout(35_000) });
    return await answer.json();
  } catch (error) {
    throw new Error(`no answer from ${root}: ${error.cause?.message ?? error.message}`);
  }
}

// Downloads the result. Links expire: store the file, not the link.
async function load(link) {
  const answer = await fetch(link, { signal: AbortSignal.timeout(35_000) });
  if (!answer.ok) throw new Error(`the result was answered with ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

function refuse(answer) {
  throw new Error(`refused: ${JSON.stringify(answer)}`);
}

const [api, picture, result] = process.argv.slice(2);
try {
  await writeFile(result, await calls[api](await readFile(picture)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
