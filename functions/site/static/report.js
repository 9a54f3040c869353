// Shows what came of a call: its fault, its figures, the code that makes it.

import { stagesOf } from "./call.js";
import { curl } from "./curl.js";
import { $, make, sizeOf } from "./dom.js";
import { javascript } from "./javascript.js";
import { python } from "./python.js";
import { clear, reveal } from "./viewer.js";
import { faultOf, say } from "./words.js";

const SNIPPETS = { curl, python, javascript };
const MICROS = 1e6;
// What API Gateway answers in place of the API, by HTTP status.
const GATEWAY_FAULTS = { 403: "access", 413: "size", 429: "rate", 503: "rate", 504: "time" };
const LONG_TEXT = 200;
let language = "curl";
let reported = null;
let failed = null;

function drawFault() {
  const { kind, code, message } = failed;
  $("error-title").textContent = say("fault.title");
  $("error-hint").textContent = say(`fault.${kind}`);
  $("error-code").textContent = [code, message].filter(Boolean).join(" · ");
}

export function fault(kind, code = "", message = "") {
  failed = { kind, code, message };
  drawFault();
  $("error").hidden = false;
  clear();
  reveal();
}

// Returns the message (`fault.*`) for an API's error code, by its first reason; for another code, for the HTTP status.
export function faultOfCode(code, codes, status) {
  if (code in codes) return faultOf(codes[code][0]);
  return GATEWAY_FAULTS[status] ?? (status >= 500 ? "service" : "request");
}

function fact(name, value, more = "") {
  return [make("dt", {}, say(`facts.${name}`)), make("dd", { id: `fact-${name}` }, value, more ? make("small", {}, more) : null)];
}

function charge({ answer, pending }) {
  const micros = Number(answer.headers.get("X-Cutline-Charge-Micros") ?? 0);
  if (micros > 0) return [String(micros / MICROS), say("facts.charge.unit")];
  return [pending ? say("facts.charge.unknown") : say("facts.charge.none")];
}

// Long texts in an answer are pictures.
const shortened = (_, value) => (typeof value === "string" && value.length > LONG_TEXT && !value.startsWith("http") ? `${value.slice(0, 60)}… (${value.length})` : value);

function drawFacts() {
  const stages = stagesOf(reported.answer.headers);
  const total = stages.reduce((sum, stage) => sum + stage.ms, 0);
  const items = [
    fact("status", String(reported.answer.status)),
    fact("trip", `${Math.round(reported.ms)} ms`),
    fact("service", stages.length ? `${Math.round(total)} ms` : "–"),
    fact("charge", ...charge(reported)),
  ];
  if (reported.uploaded) items.unshift(fact("upload", sizeOf(reported.uploaded.bytes), `${Math.round(reported.uploaded.ms)} ms`));
  if (reported.result) items.push(fact("size", `${reported.result.width} × ${reported.result.height}`, sizeOf(reported.result.bytes)));
  $("fact-list").replaceChildren(...items.map((pair) => make("div", {}, ...pair)));
  const rows = stages.map(({ name, ms }) => {
    const bar = make("i");
    bar.style.width = `${total ? (ms / total) * 100 : 0}%`;
    return make("div", { class: "stage-row" }, make("span", { title: name }, say(`stage.${name}`, {}, name)), make("span", {}, bar), make("span", {}, `${ms.toFixed(1)} ms`));
  });
  $("stages").replaceChildren(...rows);
  $("answer").textContent = reported.answer.json ? JSON.stringify(reported.answer.json, shortened, 2) : reported.answer.text;
}

function drawCode() {
  $("snippet").textContent = SNIPPETS[language](reported.made);
  $("snippet").setAttribute("aria-labelledby", `tab-${language}`);
  const notes = [reported.demo ? "code.note.demo" : "code.note", reported.changed ? "code.note.changed" : ""];
  $("code-note").textContent = notes.filter(Boolean).map((name) => say(name, { file: reported.made.file })).join(" ");
  for (const tab of $("tabs").children) {
    const current = tab.dataset.language === language;
    tab.setAttribute("aria-selected", String(current));
    tab.tabIndex = current ? 0 : -1;
  }
}

// `call` is { answer, ms, pending, result, made, demo, uploaded, changed }.
export function report(call) {
  reported = call;
  drawFacts();
  drawCode();
  $("facts").hidden = $("code").hidden = false;
}

// Draws the last fault and the last call again, in the current language.
export function redraw() {
  if (failed) drawFault();
  if (reported) report(reported);
}

// Hides the figures and the code of the call before, after a call without an answer.
export function forget() {
  reported = null;
  $("facts").hidden = $("code").hidden = true;
}

function choose(tab) {
  language = tab.dataset.language;
  drawCode();
}

function move(event) {
  const tabs = [...$("tabs").children];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  choose(next);
  next.focus();
}

async function copy() {
  try {
    await navigator.clipboard.writeText($("snippet").textContent);
  } catch {
    // Without a secure page or permission there is no clipboard: select the text instead.
    getSelection().selectAllChildren($("snippet"));
    return;
  }
  $("copy").textContent = say("code.copied");
  setTimeout(() => ($("copy").textContent = say("code.copy")), 2000);
}

export function start() {
  for (const tab of $("tabs").children) tab.addEventListener("click", () => choose(tab));
  $("tabs").addEventListener("keydown", move);
  $("copy").addEventListener("click", copy);
}
