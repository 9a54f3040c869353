// The page as a whole: takes a picture, makes the call, shows the result.

import { callBytes } from "./apis.js";
import * as brush from "./brush.js";
import { follow, isSigned, load, readAnswer, send } from "./call.js";
import { $, make, memory, sizeOf } from "./dom.js";
import * as form from "./form.js";
import { fitted, openPicture } from "./picture.js";
import * as reports from "./report.js";
import { UploadFailed, upload } from "./ticket.js";
import * as viewer from "./viewer.js";
import { preferred, say, speak, translate } from "./words.js";

const SWATCHES = [null, "#ffffff", "#9ca3af", "#111111"];
const SWATCH_NAMES = ["checkered", "white", "grey", "black"];
let facts = null;
let picture = null;
let latest = 0;
let working = false;
let shown = null;
let startFault = "";

const status = (text) => ($("status").textContent = $("busy-text").textContent = text);

// Shows the status while no call is in flight: empty, or why no call can be made.
const rest = () => status(startFault && say(startFault));

function showPicture() {
  if (!picture) return;
  const { bitmap, blob, name } = picture;
  $("picture-name").textContent = picture.sample ? say(`sample.${picture.sample}`) : name;
  $("picture-note").textContent = say("status.sent", { width: bitmap.width, height: bitmap.height, size: sizeOf(blob.size) });
}

// Pictures take their time to load and to open; the latest choice counts, not the slowest.
async function take(blob, name, sample = "", turn = ++latest) {
  const opened = await openPicture(blob, name).catch(() => null);
  if (turn !== latest) return;
  if (!opened) {
    status(say("picture.unreadable"));
    return;
  }
  picture = { ...opened, sample };
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.setAttribute("aria-pressed", String(button.dataset.sample === sample));
  }
  rest();
  showPicture();
}

async function takeSample(name) {
  const turn = ++latest;
  let file;
  try {
    file = await load(new URL(`site/${name}.jpg`, document.baseURI).href);
  } catch {
    if (turn === latest) status(say("fault.network"));
    return;
  }
  await take(file, `${name}.jpg`, name, turn);
}

// Returns what keeps the call from being made, and focuses it; "" where nothing does.
function obstacle() {
  if (!picture) {
    $("file").focus();
    return "status.noPicture";
  }
  if (!form.complete()) {
    const empty = [...$("credentials").querySelectorAll("input")].find((field) => !field.value);
    empty.setAttribute("aria-invalid", "true");
    empty.focus();
    return "key.missing";
  }
  return isSigned(form.limits().scheme) && !crypto.subtle ? "key.secure" : "";
}

async function layersOf(images) {
  const present = Object.entries(images).filter(([, image]) => image);
  const files = await Promise.all(present.map(([, image]) => load(image)));
  const bitmaps = await Promise.all(files.map((file) => createImageBitmap(file)));
  return present.map(([name, address], index) => ({ name, address, bitmap: bitmaps[index], file: files[index], on: index === 0 }));
}

function layerWords(name) {
  const words = shown.api.layers?.[name];
  return words ? translate(words) : say(`layers.${name}`);
}

// Switches a layer. The whole cut-out excludes its parts; several parts may be on.
function toggle(layers, layer, on) {
  layer.on = on;
  const whole = ["image", "mask"];
  if (on) for (const other of layers) if (other !== layer && (whole.includes(layer.name) || whole.includes(other.name))) other.on = false;
  if (!layers.some((one) => one.on)) layers[0].on = true;
  viewer.repaint();
  drawLayers();
}

function drawLayers() {
  const { layers, absent } = shown;
  const focused = document.activeElement?.dataset?.layer;
  const boxes = layers.map((layer) =>
    make(
      "label",
      {},
      make("input", { type: "checkbox", "data-layer": layer.name, checked: layer.on, on: { change: (event) => toggle(layers, layer, event.target.checked) } }),
      layerWords(layer.name),
    ),
  );
  const missing = absent.length ? make("p", { class: "hint" }, say("layers.absent", { names: absent.map(layerWords).join(say("list.join")) })) : "";
  $("layer-list").replaceChildren(make("div", { class: "chips" }, ...boxes), missing);
  $("layers").hidden = layers.length + absent.length < 2;
  if (focused) $("layer-list").querySelector(`[data-layer="${focused}"]`)?.focus();
}

async function present(api, sent, images) {
  const some = await layersOf(images);
  const layers = some.length ? some : [{ name: "image", bitmap: sent.bitmap, file: sent.blob, on: true }];
  shown = { api, layers, sent, absent: Object.keys(images).filter((name) => images[name] === "") };
  viewer.show(sent.bitmap, layers);
  brush.offer(layers[0].address);
  drawLayers();
  const { bitmap, file } = layers[0];
  return { width: bitmap.width, height: bitmap.height, bytes: file.size };
}

// Sends a mend and shows the result's new version, which is behind the same addresses.
async function mend(ask) {
  const { layers, sent } = shown;
  status(say("mend.sending"));
  viewer.wait(true);
  try {
    const { status: code, json } = await ask();
    if (code !== 200) throw new Error(json?.message ?? String(code));
    for (const layer of layers) {
      layer.file = await load(layer.address);
      layer.bitmap = await createImageBitmap(layer.file);
    }
    viewer.show(sent.bitmap, layers);
    brush.offer(layers[0].address);
    status(say("mend.done", { version: json.version, changed: (100 * json.changed).toFixed(2) }));
  } catch (error) {
    status(say("mend.failed", { why: error.message }));
  } finally {
    viewer.wait(false);
  }
}

function made(call, { sent, uploaded }, poll, demo) {
  const { key, secret } = demo ? form.complete() : { key: "YOUR_KEY", secret: "YOUR_SECRET" };
  const absolute = (path) => new URL(path, document.baseURI).href;
  const ticket = uploaded ? { url: absolute("uploads"), type: sent.blob.type, size: sent.blob.size } : null;
  return { call, url: absolute(call.path), file: sent.name, key, secret, poll, ticket };
}

function showSent({ bitmap, blob }, changed, large) {
  const values = { width: bitmap.width, height: bitmap.height, size: sizeOf(blob.size) };
  const notes = [say(changed ? "status.fitted" : "status.sent", values), large ? say("status.large") : ""];
  $("picture-note").textContent = notes.filter(Boolean).join(" ");
}

// Prepares the picture: { sent, changed, uploaded }. One too large for a call is uploaded to S3 where the API takes
// addresses, and made smaller where it does not.
async function prepare(call, limits, credentials) {
  const most = Math.min(limits.max_bytes, callBytes(call.body.kind));
  const chosen = picture;
  const { picture: sent, changed } = await fitted(chosen, limits, call.body.link ? limits.max_bytes : most);
  const large = sent.blob.size > most;
  // If another picture was picked meanwhile, its name is shown, and this size would be wrong for it.
  if (picture === chosen) showSent(sent, changed, large);
  if (!large) return { sent, changed };
  status(say("status.uploading"));
  $("uploading").hidden = false;
  try {
    const uploaded = await upload(call, sent, credentials, (share) => ($("uploading").value = share));
    return { sent, changed, uploaded };
  } finally {
    $("uploading").hidden = true;
    $("uploading").value = 0;
  }
}

// Shows the result. If it cannot be fetched, only that has failed: the call was answered, and perhaps charged.
async function finish(api, call, sent, images) {
  status(say("status.loading"));
  try {
    call.result = await present(api, sent, images);
    status(say("status.done", { ms: Math.round(call.ms) }));
  } catch (error) {
    reports.fault("result", "", error.message);
    status(say("status.failed"));
  }
}

async function work() {
  const api = form.api();
  const limits = form.limits();
  const credentials = form.complete();
  const call = { path: api.path + (api.query?.(form.options()) ?? ""), scheme: limits.scheme, body: api.body({ ...form.options() }) };
  status(say("status.fitting"));
  const prepared = await prepare(call, limits, credentials);
  const { sent, uploaded } = prepared;
  status(say("status.sending"));
  const begun = performance.now();
  const answer = await send(call, sent, credentials, uploaded?.source);
  let seen = readAnswer(answer, api.read);
  let last = answer;
  const background = Boolean(seen.pending);
  const showState = ({ taskId, state }) => status(say("status.task", { id: taskId.slice(0, 8), state: say(`state.${state}`) }));
  if (background) {
    showState(seen);
    ({ answer: last, seen } = await follow(call, seen.taskId, credentials, api.read, showState));
  }
  const outcome = { answer: background ? withTimingsOf(answer, last) : answer, ms: performance.now() - begun, pending: background && !seen.fault };
  outcome.demo = form.isDemo();
  outcome.made = made(call, prepared, background, outcome.demo);
  Object.assign(outcome, { uploaded, changed: prepared.changed });
  if (seen.images) {
    await finish(api, outcome, sent, seen.images);
  } else {
    const code = seen.fault?.code ?? "";
    reports.fault(seen.fault ? reports.faultOfCode(code, limits.codes, last.status) : "time", code, seen.fault?.message);
    status(say("status.failed"));
  }
  reports.report(outcome);
}

// The last answer of a task with the timings and the charge of the first, which did the work or started it.
const withTimingsOf = (first, last) => ({ ...last, headers: first.headers });

async function submit(event) {
  event.preventDefault();
  if (working || !facts) return;
  const reason = obstacle();
  if (reason) {
    status(say(reason));
    return;
  }
  working = true;
  $("go").setAttribute("aria-disabled", "true");
  viewer.wait(true);
  try {
    await work();
  } catch (error) {
    reports.forget();
    if (error instanceof UploadFailed) reports.fault(error.kind, error.code, error.message);
    else reports.fault(error instanceof TypeError ? "network" : "result", "", error.message);
    status(say("status.failed"));
  } finally {
    working = false;
    $("go").setAttribute("aria-disabled", "false");
    viewer.wait(false);
  }
}

function drawSwatches() {
  const mark = (chosen) => {
    for (const node of $("swatches").querySelectorAll("button")) node.setAttribute("aria-pressed", String(node === chosen));
    $("colour").classList.toggle("on", chosen === $("colour"));
  };
  const buttons = SWATCHES.map((colour, index) => {
    const name = say(`tool.${SWATCH_NAMES[index]}`);
    const attributes = { type: "button", class: colour ? "" : "check", "aria-label": name, title: name, "aria-pressed": String(colour === viewer.background()) };
    const button = make("button", attributes);
    button.style.backgroundColor = colour ?? "";
    button.addEventListener("click", () => {
      viewer.setBackground(colour);
      mark(button);
    });
    return button;
  });
  const input = (event) => {
    viewer.setBackground(event.target.value);
    mark(event.target);
  };
  const colour = make("input", { type: "color", id: "colour", value: "#0f766e", "aria-label": say("tool.colour"), title: say("tool.colour"), on: { input } });
  $("swatches").replaceChildren(...buttons, colour);
}

// Saves what is shown; for a single layer without a colour, the service's own file.
async function download(event) {
  event.preventDefault();
  const visible = shown.layers.filter((layer) => layer.on);
  let file = visible[0].file;
  if (visible.length > 1 || viewer.background()) {
    const canvas = document.createElement("canvas");
    viewer.paint(canvas, true);
    file = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
  const link = make("a", { href: URL.createObjectURL(file), download: `cutline.${file.type === "image/jpeg" ? "jpg" : "png"}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function useLanguage(name) {
  memory.set("language", name);
  speak(name);
  if (facts) form.draw(facts);
  drawSwatches();
  showPicture();
  rest();
  if (shown && !$("sheet").hidden) drawLayers();
  reports.redraw();
}

// Clears the input at once: choosing the same file again, after a sample, would be no change.
function takeChosen({ target }) {
  const [file] = target.files;
  target.value = "";
  if (file) take(file, file.name);
}

function listen() {
  $("form").addEventListener("submit", submit);
  $("file").addEventListener("change", takeChosen);
  for (const button of document.querySelectorAll("[data-sample]")) button.addEventListener("click", () => takeSample(button.dataset.sample));
  for (const name of ["en", "zh"]) $(`lang-${name}`).addEventListener("click", () => useLanguage(name));
  $("download").addEventListener("click", download);
  // A file of another type is refused with a message; pasted or dropped text is ignored.
  const given = (items) => {
    const files = [...(items?.files ?? [])];
    const file = files.find((one) => one.type.startsWith("image/")) ?? files[0];
    if (file) take(file, file.name);
  };
  document.addEventListener("paste", (event) => given(event.clipboardData));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
  document.addEventListener("dragleave", () => $("drop").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    given(event.dataTransfer);
  });
}

// A picture and a language can be picked before the options have come from a cold service.
async function start() {
  viewer.start();
  brush.start(mend);
  reports.start();
  listen();
  useLanguage(memory.get("language") ?? preferred());
  try {
    const response = await fetch("site/facts.json");
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    facts = await response.json();
  } catch (error) {
    startFault = error instanceof TypeError ? "fault.network" : "fault.start";
    rest();
    return;
  }
  form.draw(facts);
  document.body.dataset.ready = "true";
}

await start();
