// The call that was just made, as curl, Python and JavaScript that need nothing but the languages themselves.

const shell = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;
const code = (value) => JSON.stringify(value);
const lines = (...parts) => parts.flat().filter((part) => part !== null).join("\n") + "\n";

// `made` is { call, url, file, key, secret, poll }.
export const SNIPPETS = { curl, python, javascript };

function curl(made) {
  const { call, url, file, key, secret } = made;
  const { kind, fields, file: field, contentType } = call.body;
  if (kind === "multipart") {
    const parts = Object.entries(fields).map(([name, value]) => `  -F ${shell(`${name}=${value}`)} \\`);
    return lines(
      `curl -s ${shell(url)} \\`,
      `  -H ${shell(`${call.scheme}: ${key}`)} \\`,
      parts,
      `  -F ${shell(`${field}=@${file}`)}`,
      made.poll ? ["", "# then, with the task_id of the answer, until state is 1 or negative:", `curl -s ${shell(`${url}/`)}"$task_id" -H ${shell(`${call.scheme}: ${key}`)}`] : [],
    );
  }
  const document = JSON.stringify({ ...fields, [field]: "%s" }).replaceAll("'", "'\\''");
  const body = kind === "json" ? `printf '${document}' "$(base64 < ${shell(file)} | tr -d '\\n')" > body.json` : null;
  const data = kind === "json" ? "body.json" : shell(file);
  if (call.scheme === "aidge") {
    return lines(
      `key=${shell(key)}; secret=${shell(secret)}`,
      'timestamp="$(date +%s)000"',
      'sign=$(printf %s "$secret$timestamp" | openssl dgst -sha256 -hmac "$secret" | sed "s/.*= //" | tr a-f A-F)',
      body,
      `curl -s ${shell(url)}"?partner_id=aidge&sign_method=sha256&sign_ver=v2&app_key=$key&timestamp=$timestamp&sign=$sign" \\`,
      `  -H ${shell(`Content-Type: ${contentType}`)} --data-binary @${data}`,
    );
  }
  const { host, pathname } = new URL(url);
  return lines(
    `key=${shell(key)}; secret=${shell(secret)}`,
    body,
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

function pythonValue(value) {
  return code(value);
}

function python(made) {
  const { call, url, file, key, secret } = made;
  const { kind, fields, file: field, contentType } = call.body;
  const items = Object.entries(fields).map(([name, value]) => `${code(name)}: ${pythonValue(value)}`);
  const open = `picture = pathlib.Path(${code(file)}).read_bytes()`;
  if (kind === "multipart") {
    return lines(
      "import json, pathlib, " + (made.poll ? "time, " : "") + "urllib.request, uuid",
      "",
      `url, headers = ${code(url)}, {${code(call.scheme)}: ${code(key)}}`,
      open,
      `fields = {${items.join(", ")}}`,
      "boundary = uuid.uuid4().hex",
      `parts = [f'--{boundary}\\r\\nContent-Disposition: form-data; name="{n}"\\r\\n\\r\\n{v}\\r\\n' for n, v in fields.items()]`,
      `head = f'--{boundary}\\r\\nContent-Disposition: form-data; name="${field}"; filename="picture"\\r\\n\\r\\n'`,
      'body = ("".join(parts) + head).encode() + picture + f"\\r\\n--{boundary}--\\r\\n".encode()',
      'form = {**headers, "Content-Type": f"multipart/form-data; boundary={boundary}"}',
      'answer = json.load(urllib.request.urlopen(urllib.request.Request(url, body, form, method="POST")))',
      made.poll
        ? [
            'task = url + "/" + answer["data"]["task_id"]',
            'while answer["data"].get("state", 0) in (0, 2, 3, 4):',
            "    time.sleep(1)",
            "    answer = json.load(urllib.request.urlopen(urllib.request.Request(task, headers=headers)))",
          ]
        : [],
      "print(json.dumps(answer, indent=2, ensure_ascii=False))",
    );
  }
  const imports = ["hashlib", "hmac", "json", "pathlib", "time", "urllib.parse", "urllib.request"];
  if (call.scheme === "jd") imports.push("uuid");
  if (kind === "json") imports.unshift("base64");
  const encoded = `${code(field)}: base64.b64encode(picture).decode()`;
  const body = kind === "json" ? `body = json.dumps({${[...items, encoded].join(", ")}}).encode()` : "body = picture";
  const sign =
    call.scheme === "aidge"
      ? [
          "now = str(int(time.time() * 1000))",
          'sign = hmac.new(secret.encode(), (secret + now).encode(), hashlib.sha256).hexdigest().upper()',
          'query = {"partner_id": "aidge", "sign_method": "sha256", "sign_ver": "v2"}',
          'url += "?" + urllib.parse.urlencode({**query, "app_key": key, "timestamp": now, "sign": sign})',
          `headers = {"Content-Type": ${code(contentType)}}`,
        ]
      : [
          "parts = urllib.parse.urlsplit(url)",
          'now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())',
          `headers = {"content-type": ${code(contentType)}, "host": parts.netloc,`,
          '           "x-jdcloud-date": now, "x-jdcloud-nonce": str(uuid.uuid4())}',
          'block, signed = "".join(f"{n}:{v}\\n" for n, v in headers.items()), ";".join(headers)',
          'canonical = "\\n".join(["POST", parts.path, "", block, signed, hashlib.sha256(body).hexdigest()])',
          'scope = f"{now[:8]}/cn-north-1/cutout/jdcloud2_request"',
          'text = "\\n".join(["JDCLOUD2-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])',
          'signing = f"JDCLOUD2{secret}".encode()',
          'for part in scope.split("/"):',
          '    signing = hmac.digest(signing, part.encode(), "sha256")',
          'signature = hmac.digest(signing, text.encode(), "sha256").hex()',
          'headers["Authorization"] = f"JDCLOUD2-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"',
        ];
  return lines(
    `import ${imports.join(", ")}`,
    "",
    `url, key, secret = ${code(url)}, ${code(key)}, ${code(secret)}`,
    open,
    body,
    sign,
    'answer = json.load(urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST")))',
    "print(json.dumps(answer, indent=2, ensure_ascii=False))",
  );
}

function javascript(made) {
  const { call, url, file, key, secret } = made;
  const { kind, fields, file: field, contentType } = call.body;
  const open = `const picture = await readFile(${code(file)});`;
  const header = 'import { readFile } from "node:fs/promises";';
  if (kind === "multipart") {
    return lines(
      header,
      "",
      `const url = ${code(url)};`,
      `const headers = { ${code(call.scheme)}: ${code(key)} };`,
      open,
      "const body = new FormData();",
      Object.entries(fields).map(([name, value]) => `body.append(${code(name)}, ${code(value)});`),
      `body.append(${code(field)}, new Blob([picture]), "picture");`,
      `${made.poll ? "let" : "const"} answer = await (await fetch(url, { method: "POST", headers, body })).json();`,
      made.poll
        ? [
            "const task = `${url}/${answer.data.task_id}`;",
            "while ([0, 2, 3, 4].includes(answer.data.state ?? 0)) {",
            "  await new Promise((resume) => setTimeout(resume, 1000));",
            "  answer = await (await fetch(task, { headers })).json();",
            "}",
          ]
        : [],
      "console.log(JSON.stringify(answer, null, 2));",
    );
  }
  const items = Object.entries(fields).map(([name, value]) => `${name}: ${code(value)}`);
  const encoded = `${field}: picture.toString("base64")`;
  const body = kind === "json" ? `const body = JSON.stringify({ ${[...items, encoded].join(", ")} });` : "const body = picture;";
  const sign =
    call.scheme === "aidge"
      ? [
          "const now = String(Date.now());",
          'const sign = createHmac("sha256", secret).update(secret + now).digest("hex").toUpperCase();',
          'const query = { partner_id: "aidge", sign_method: "sha256", sign_ver: "v2", app_key: key, timestamp: now, sign };',
          "url.search = new URLSearchParams(query);",
          `const headers = { "Content-Type": ${code(contentType)} };`,
        ]
      : [
          'const hash = (data) => createHash("sha256").update(data).digest("hex");',
          'const now = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;',
          `const headers = { "content-type": ${code(contentType)}, host: url.host,`,
          '  "x-jdcloud-date": now, "x-jdcloud-nonce": randomUUID() };',
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
  return lines(
    `import { ${call.scheme === "jd" ? "createHash, createHmac, randomUUID" : "createHmac"} } from "node:crypto";`,
    header,
    "",
    `const [key, secret] = [${code(key)}, ${code(secret)}];`,
    `const url = new URL(${code(url)});`,
    open,
    body,
    sign,
    'const answer = await (await fetch(url, { method: "POST", headers, body })).json();',
    "console.log(JSON.stringify(answer, null, 2));",
  );
}
