// Writes the call as shell: curl, and openssl where it is signed.

import { lines, shell } from "./text.js";

const AIDGE = "partner_id=aidge&sign_method=sha256&sign_ver=v2&app_key=$key&timestamp=$timestamp&sign=$sign";

// Asks for a ticket, then sends its fields and the file as S3's form POST.
function ticket({ ticket: { type, size }, file }, address, header) {
  return [
    "# an upload ticket, then the file straight to S3",
    `ticket=$(curl -s ${address} ${header}\\`,
    `  -d ${shell(JSON.stringify({ content_type: type, size }))})`,
    `part() { printf %s "$ticket" | sed 's/.*"'"$1"'": *"\\([^"]*\\)".*/\\1/'; }`,
    `printf %s "$ticket" | sed 's/.*"fields": *{//; s/}.*//' | grep -o '"[^"]*": *"[^"]*"' |`,
    `  sed 's/"\\([^"]*\\)": *"\\(.*\\)"/form-string = "\\1=\\2"/' > ticket.txt`,
    `curl -s "$(part url)" --config ticket.txt -F ${shell(`file=@${file}`)}`,
    "",
    "# the call itself, with the upload as its picture",
  ];
}

function multipart(made) {
  const { call, url, file, key } = made;
  const { fields, file: field, link, saved } = call.body;
  const named = Object.entries({ [call.scheme]: key, ...call.body.headers });
  const header = named.map(([name, value]) => `-H ${shell(`${name}: ${value}`)}`).join(" ");
  const task = ["", "# then, with the task_id of the answer, until state is 1 or negative:", `curl -s ${shell(`${url}/`)}"$task_id" ${header}`];
  return lines(
    made.ticket ? ticket(made, shell(made.ticket.url), `${header} `) : [],
    `curl -s ${shell(url)} \\`,
    `  ${header} \\`,
    Object.entries(fields).map(([name, value]) => `  -F ${shell(`${name}=${value}`)} \\`),
    `${made.ticket ? `  -F "${link}=$(part source)"` : `  -F ${shell(`${field}=@${file}`)}`}${saved ? " \\" : ""}`,
    saved ? `  -o ${shell(saved)} -w '{"saved": "${saved}", "status": %{http_code}}\n'` : [],
    made.poll ? task : [],
  );
}

// Returns the file that holds the body, and the line that writes it.
function body({ call, file, ticket }) {
  const { kind, fields, file: field, link } = call.body;
  if (kind === "bytes") return { data: shell(file), written: null };
  const document = JSON.stringify({ ...fields, [ticket ? link : field]: "%s" }).replaceAll("'", "'\\''");
  const value = ticket ? "$(part source)" : `$(base64 < ${shell(file)} | tr -d '\\n')`;
  return { data: "body.json", written: `printf '${document}' "${value}" > body.json` };
}

function aidge(made) {
  const { call, url, key, secret } = made;
  const { data, written } = body(made);
  return lines(
    `key=${shell(key)}; secret=${shell(secret)}`,
    'timestamp="$(date +%s)000"',
    'sign=$(printf %s "$secret$timestamp" | openssl dgst -sha256 -hmac "$secret" | sed "s/.*= //" | tr a-f A-F)',
    `query="${AIDGE}"`,
    made.ticket ? ticket(made, `${shell(made.ticket.url)}"?$query"`, "") : [],
    written,
    `curl -s ${shell(url)}"?$query" \\`,
    `  -H ${shell(`Content-Type: ${call.body.contentType}`)} --data-binary @${data}`,
  );
}

function jd(made) {
  const { call, url, key, secret } = made;
  const { contentType } = call.body;
  const { data, written } = body(made);
  const { host, pathname } = new URL(url);
  return lines(
    `key=${shell(key)}; secret=${shell(secret)}`,
    written,
    "hash() { openssl dgst -sha256 | sed 's/.*= //'; }",
    "hmac() { openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$1\" | sed 's/.*= //'; }",
    "now=$(date -u +%Y%m%dT%H%M%SZ); nonce=$(openssl rand -hex 16)",
    'signed="content-type;host;x-jdcloud-date;x-jdcloud-nonce"',
    'scope="$(printf %.8s "$now")/cn-north-1/cutout/jdcloud2_request"',
    `canonical=$(printf 'POST\\n${pathname}\\n\\ncontent-type:${contentType}\\nhost:${host}\\nx-jdcloud-date:%s\\nx-jdcloud-nonce:%s\\n\\n%s\\n%s' \\`,
    `  "$now" "$nonce" "$signed" "$(hash < ${data})" | hash)`,
    "signing=$(printf 'JDCLOUD2%s' \"$secret\" | od -An -tx1 | tr -d ' \\n')",
    "for part in $(printf %s \"$scope\" | tr / ' '); do signing=$(printf %s \"$part\" | hmac \"$signing\"); done",
    "signature=$(printf 'JDCLOUD2-HMAC-SHA256\\n%s\\n%s\\n%s' \"$now\" \"$scope\" \"$canonical\" | hmac \"$signing\")",
    `curl -s ${shell(url)} --data-binary @${data} \\`,
    `  -H ${shell(`Content-Type: ${contentType}`)} -H "x-jdcloud-date: $now" -H "x-jdcloud-nonce: $nonce" \\`,
    '  -H "Authorization: JDCLOUD2-HMAC-SHA256 Credential=$key/$scope, SignedHeaders=$signed, Signature=$signature"',
  );
}

// The picture itself is the body, and a key the credential.
function bytes({ call, url, file, key }) {
  const header = `-H ${shell(`${call.scheme}: ${key}`)} -H ${shell(`Content-Type: ${call.body.contentType}`)}`;
  return lines(`curl -s ${shell(url)} ${header} --data-binary @${shell(file)}`);
}

export function curl(made) {
  if (made.call.body.kind === "multipart") return multipart(made);
  return ({ aidge, jd }[made.call.scheme] ?? bytes)(made);
}
