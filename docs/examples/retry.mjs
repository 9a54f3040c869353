// Retries a call without paying twice; retry.py describes how.
//
//     node docs/examples/retry.mjs PICTURE      with CUTLINE_URL and CUTLINE_API_KEY; Node 18 or newer
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";

const TRIES = 5;
const pause = (s) => new Promise((done) => setTimeout(done, s * 1000));

// The answer, and whether it is a repeat. Retries 429, 5xx and lost connections, with a longer wait each time.
async function persist(picture, key) {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    let wait = (0.5 + Math.random() / 2) * 2 ** attempt;
    try {
      const answer = await request(picture, key);
      if (answer.ok) return [await answer.json(), answer.headers.get("Idempotency-Replayed") === "true"];
      if (answer.status < 500 && answer.status !== 429) throw new Refused(await answer.text());
      wait = Number(answer.headers.get("Retry-After") ?? wait);
    } catch (error) {
      if (error instanceof Refused) throw error;
      console.error(`no answer, trying again: ${error.cause?.message ?? error.message}`);
    }
    await pause(wait);
  }
  throw new Error("given up");
}

class Refused extends Error {}

// A PicWish task; every POST of every API takes the key.
function request(picture, key) {
  const form = new FormData();
  form.append("sync", "1");
  form.append("image_file", new Blob([picture]), "photo.jpg");
  const headers = { "X-API-KEY": process.env.CUTLINE_API_KEY, "Idempotency-Key": key };
  const url = `${process.env.CUTLINE_URL}/api/tasks/visual/segmentation`;
  return fetch(url, { method: "POST", headers, body: form, signal: AbortSignal.timeout(35_000) });
}

// Twice with the same key, as after a lost answer.
const picture = await readFile(process.argv[2]);
const key = randomUUID(); // one per piece of work, stored with it; not one per try
const [first, replayed] = await persist(picture, key);
const [again, replayedAgain] = await persist(picture, key);
const same = JSON.stringify(first) === JSON.stringify(again);
console.log(JSON.stringify({ same, replayed: [replayed, replayedAgain], image: first.data.image }));
