// Node's own fetch with a Blob. Arguments: address, picture, result.
import { openAsBlob, writeFileSync } from "node:fs";

const [url, picture, result] = process.argv.slice(2);
const form = new FormData();
form.append("size", "auto");
form.append("image_file", await openAsBlob(picture));
const response = await fetch(`${url}/v1.0/removebg`, { method: "POST", headers: { "X-Api-Key": "demo-key" }, body: form });
if (!response.ok) throw new Error(`${response.status}: ${response.statusText}`);
writeFileSync(result, Buffer.from(await response.arrayBuffer()));
