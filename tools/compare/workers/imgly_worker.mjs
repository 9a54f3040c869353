// imgly's package as its users call it; a process of its own, nothing of it is kept.
import fs from "node:fs";
import readline from "node:readline";
import { removeBackground } from "@imgly/background-removal-node";

const options = { model: "medium", output: { format: "image/png" } };
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [source, target] = line.split("\t");
  const type = source.endsWith(".png") ? "image/png" : "image/jpeg";
  const result = await removeBackground(new Blob([fs.readFileSync(source)], { type }), options);
  fs.writeFileSync(target, Buffer.from(await result.arrayBuffer()));
  console.log("done");
}
