// Writes the call as JavaScript for Node, without packages.

import { code, lines } from "./text.js";

const HEADER = 'import { readFile } from "node:fs/promises";';
const PRINT = "console.log(JSON.stringify(answer, null, 2));";
const POST = 'await (await fetch(url, { method: "POST", headers, body })).json()';

const POLL = [
  "const task = `${url}/${answer.data.task_id}`;",
  "while ([0, 2, 3, 4].includes(answer.data.state ?? 0)) {",
  "  await new Promise((resume) => setTimeout(resume, 1000));",
  "  answer = await (await fetch(task, { headers })).json();",
  "}",
];

const AIDGE = [
  "const now = String(Date.now());",
  'const sign = createHmac("sha256", secret).update(secret + now).digest("hex").toUpperCase();',
  'const query = { partner_id: "aidge", sign_method: "sha256", sign_ver: "v2", app_key: key, timestamp: now, sign };',
  "const signed = `?${new URLSearchParams(query)}`;",
];

const JD = [
  'const block = Object.entries(headers).map(([name, value]) => `${name}:${value}\\n`).join("");',
  'const signed = Object.keys(headers).join(";");',
  'const canonical = ["POST", url.pathname, "", block, signed, hash(body)].join("\\n");',
  "const scope = `${now.slice(0, 8)}/cn-north-1/cutout/jdcloud2_request`;",
  'const text = ["JDCLOUD2-HMAC-SHA256", now, scope, hash(canonical)].join("\\n");',
  "let signing = `JDCLOUD2${secret}`;",
  'for (const part of scope.split("/")) signing = createHmac("sha256", signing).update(part).digest();',
  'const signature = createHmac("sha256", signing).update(text).digest("hex");',
  "headers.Authorization =",
  "  `JDCLOUD2-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;",
];

const items = (fields) => Object.entries(fields).map(([name, value]) => `${name}: ${code(value)}`);
const open = (file) => `const picture = await readFile(${code(file)});`;

// Asks for an upload ticket, then sends the file straight to S3.
function ticket({ url, type }, address, headers) {
  return [
    `const details = JSON.stringify({ content_type: ${code(type)}, size: picture.length });`,
    `const ticket = await (await fetch(${code(url)}${address}, { method: "POST"${headers}, body: details })).json();`,
    "const upload = new FormData();",
    "for (const [name, value] of Object.entries(ticket.fields)) upload.append(name, value);",
    'upload.append("file", new Blob([picture]));',
    'if (!(await fetch(ticket.url, { method: "POST", body: upload })).ok) throw new Error("upload refused");',
  ];
}

function multipart(made) {
  const { call, url, file, key } = made;
  const { fields, file: field, link, saved } = call.body;
  const answer = saved
    ? [
        'const response = await fetch(url, { method: "POST", headers, body });',
        `await writeFile(${code(saved)}, Buffer.from(await response.arrayBuffer()));`,
        `const answer = { saved: ${code(saved)}, status: response.status };`,
      ]
    : `${made.poll ? "let" : "const"} answer = ${POST};`;
  return lines(
    saved ? HEADER.replace("readFile", "readFile, writeFile") : HEADER,
    "",
    `const url = ${code(url)};`,
    `const headers = { ${[`${code(call.scheme)}: ${code(key)}`, ...items(call.body.headers ?? {})].join(", ")} };`,
    open(file),
    made.ticket ? ticket(made.ticket, "", ", headers") : [],
    "const body = new FormData();",
    Object.entries(fields).map(([name, value]) => `body.append(${code(name)}, ${code(value)});`),
    made.ticket ? `body.append(${code(link)}, ticket.source);` : `body.append(${code(field)}, new Blob([picture]), "picture");`,
    answer,
    made.poll ? POLL : [],
    PRINT,
  );
}

function aidge(made) {
  const { call, url, file, key, secret } = made;
  const { fields, file: field, link, contentType } = call.body;
  const picture = made.ticket ? `${link}: ticket.source` : `${field}: picture.toString("base64")`;
  return lines(
    'import { createHmac } from "node:crypto";',
    HEADER,
    "",
    `const [key, secret] = [${code(key)}, ${code(secret)}];`,
    open(file),
    AIDGE,
    made.ticket ? ticket(made.ticket, " + signed", "") : [],
    `const url = ${code(url)} + signed;`,
    `const headers = { "Content-Type": ${code(contentType)} };`,
    `const body = JSON.stringify({ ${[...items(fields), picture].join(", ")} });`,
    `const answer = ${POST};`,
    PRINT,
  );
}

function jd({ call, url, file, key, secret }) {
  const { kind, fields, file: field, contentType } = call.body;
  const document = [...items(fields), `${field}: picture.toString("base64")`];
  return lines(
    'import { createHash, createHmac, randomUUID } from "node:crypto";',
    HEADER,
    "",
    `const [key, secret] = [${code(key)}, ${code(secret)}];`,
    `const url = new URL(${code(url)});`,
    open(file),
    kind === "json" ? `const body = JSON.stringify({ ${document.join(", ")} });` : "const body = picture;",
    'const hash = (data) => createHash("sha256").update(data).digest("hex");',
    'const now = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;',
    `const headers = { "content-type": ${code(contentType)}, host: url.host,`,
    '  "x-jdcloud-date": now, "x-jdcloud-nonce": randomUUID() };',
    JD,
    `const answer = ${POST};`,
    PRINT,
  );
}

// The picture itself is the body, and a key the credential.
function bytes({ call, url, file, key }) {
  return lines(
    HEADER,
    "",
    `const url = ${code(url)};`,
    `const headers = { ${code(call.scheme)}: ${code(key)}, "Content-Type": ${code(call.body.contentType)} };`,
    open(file),
    `const answer = ${POST.replace("body", "body: picture")};`,
    PRINT,
  );
}

export function javascript(made) {
  if (made.call.body.kind === "multipart") return multipart(made);
  return ({ aidge, jd }[made.call.scheme] ?? bytes)(made);
}
