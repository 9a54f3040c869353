// Writes the call as Python, with the standard library only.

import { code, lines } from "./text.js";

const POST = 'urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST"))';

const FORM = [
  "def post(url, headers, fields, file=None):",
  "    boundary = uuid.uuid4().hex",
  `    part = f'--{boundary}\\r\\nContent-Disposition: form-data; name="%s"'`,
  '    body = "".join(f"{part % name}\\r\\n\\r\\n{value}\\r\\n" for name, value in fields.items()).encode()',
  "    if file:",
  `        body += (part % file + '; filename="picture"\\r\\n\\r\\n').encode() + picture + b"\\r\\n"`,
  '    headers = {**headers, "Content-Type": f"multipart/form-data; boundary={boundary}"}',
  '    request = urllib.request.Request(url, body + f"--{boundary}--\\r\\n".encode(), headers, method="POST")',
  "    return urllib.request.urlopen(request).read()",
  "",
];

const POLL = [
  'task = url + "/" + answer["data"]["task_id"]',
  'while answer["data"].get("state", 0) in (0, 2, 3, 4):',
  "    time.sleep(1)",
  "    answer = json.load(urllib.request.urlopen(urllib.request.Request(task, headers=headers)))",
];

const PRINT = "print(json.dumps(answer, indent=2, ensure_ascii=False))";

const AIDGE = [
  "now = str(int(time.time() * 1000))",
  "sign = hmac.new(secret.encode(), (secret + now).encode(), hashlib.sha256).hexdigest().upper()",
  'query = {"partner_id": "aidge", "sign_method": "sha256", "sign_ver": "v2", "app_key": key, "timestamp": now, "sign": sign}',
  'signed = "?" + urllib.parse.urlencode(query)',
];

const JD = [
  'scope = f"{now[:8]}/cn-north-1/cutout/jdcloud2_request"',
  'text = "\\n".join(["JDCLOUD2-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])',
  'signing = f"JDCLOUD2{secret}".encode()',
  'for part in scope.split("/"):',
  '    signing = hmac.digest(signing, part.encode(), "sha256")',
  'signature = hmac.digest(signing, text.encode(), "sha256").hex()',
  'headers["Authorization"] = f"JDCLOUD2-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"',
];

const items = (fields) => Object.entries(fields).map(([name, value]) => `${code(name)}: ${code(value)}`);
const open = (file) => `picture = pathlib.Path(${code(file)}).read_bytes()`;

// Asks for an upload ticket, then sends the file straight to S3.
function ticket({ url, type }, address, headers) {
  return [
    `details = json.dumps({"content_type": ${code(type)}, "size": len(picture)}).encode()`,
    `request = urllib.request.Request(${code(url)}${address}, details, ${headers}, method="POST")`,
    "ticket = json.load(urllib.request.urlopen(request))",
    'post(ticket["url"], {}, ticket["fields"], "file")',
  ];
}

function multipart(made) {
  const { call, url, file, key } = made;
  const { fields, file: field, link, saved } = call.body;
  const given = made.ticket ? [...items(fields), `${code(link)}: ticket["source"]`] : items(fields);
  const posted = `post(url, headers, {${given.join(", ")}}${made.ticket ? "" : `, ${code(field)}`})`;
  return lines(
    `import json, pathlib, ${made.poll ? "time, " : ""}urllib.request, uuid`,
    "",
    FORM,
    `url, headers = ${code(url)}, {${items({ [call.scheme]: key, ...call.body.headers }).join(", ")}}`,
    open(file),
    made.ticket ? ticket(made.ticket, "", "headers") : [],
    saved ? [`pathlib.Path(${code(saved)}).write_bytes(${posted})`, `answer = {"saved": ${code(saved)}, "status": 200}`] : `answer = json.loads(${posted})`,
    made.poll ? POLL : [],
    PRINT,
  );
}

function aidge(made) {
  const { call, url, file, key, secret } = made;
  const { fields, file: field, link, contentType } = call.body;
  const picture = made.ticket ? `${code(link)}: ticket["source"]` : `${code(field)}: base64.b64encode(picture).decode()`;
  return lines(
    `import ${made.ticket ? "" : "base64, "}hashlib, hmac, json, pathlib, time, urllib.parse, urllib.request${made.ticket ? ", uuid" : ""}`,
    "",
    made.ticket ? FORM : [],
    `key, secret = ${code(key)}, ${code(secret)}`,
    open(file),
    AIDGE,
    made.ticket ? ticket(made.ticket, " + signed", "{}") : [],
    `url, headers = ${code(url)} + signed, {"Content-Type": ${code(contentType)}}`,
    `body = json.dumps({${[...items(fields), picture].join(", ")}}).encode()`,
    `answer = json.load(${POST})`,
    PRINT,
  );
}

function jd({ call, url, file, key, secret }) {
  const { kind, fields, file: field, contentType } = call.body;
  const document = [...items(fields), `${code(field)}: base64.b64encode(picture).decode()`];
  return lines(
    `import ${kind === "json" ? "base64, " : ""}hashlib, hmac, json, pathlib, time, urllib.parse, urllib.request, uuid`,
    "",
    `url, key, secret = ${code(url)}, ${code(key)}, ${code(secret)}`,
    open(file),
    kind === "json" ? `body = json.dumps({${document.join(", ")}}).encode()` : "body = picture",
    "parts = urllib.parse.urlsplit(url)",
    'now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())',
    `headers = {"content-type": ${code(contentType)}, "host": parts.netloc,`,
    '           "x-jdcloud-date": now, "x-jdcloud-nonce": str(uuid.uuid4())}',
    'block, signed = "".join(f"{n}:{v}\\n" for n, v in headers.items()), ";".join(headers)',
    'canonical = "\\n".join(["POST", parts.path, "", block, signed, hashlib.sha256(body).hexdigest()])',
    JD,
    `answer = json.load(${POST})`,
    PRINT,
  );
}

// The picture itself is the body, and a key the credential.
function bytes({ call, url, file, key }) {
  return lines(
    "import json, pathlib, urllib.request",
    "",
    `url, headers = ${code(url)}, {${items({ [call.scheme]: key, "Content-Type": call.body.contentType }).join(", ")}}`,
    open(file),
    `answer = json.load(${POST.replace("body", "picture")})`,
    PRINT,
  );
}

export function python(made) {
  if (made.call.body.kind === "multipart") return multipart(made);
  return ({ aidge, jd }[made.call.scheme] ?? bytes)(made);
}
