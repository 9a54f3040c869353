// What is told about a call: its faults, its facts, its code.

import { stagesOf } from "./call.js";
import { curl } from "./curl.js";
import { $, make, sizeOf } from "./dom.js";
import { javascript } from "./javascript.js";
import { python } from "./python.js";
import { clear, reveal } from "./viewer.js";
import { faultOf, say } from "./words.js";

const SNIPPETS = { curl, python, javascript };
const MICROS = 1e6;
// What API Gateway says in place of any API.
const GATEWAY_FAULTS = { 403: "access", 413: "size", 429: "rate", 503: "rate", 504: "time" };
const LONG_TEXT = 200;
let language = "curl";
let told = null;
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

// The words for a code that the API answered, by way of the reasons behind it; for what is none of its codes, by HTTP's.
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
  const stages = stagesOf(told.answer.headers);
  const total = stages.reduce((sum, stage) => sum + stage.ms, 0);
  const items = [
    fact("status", String(told.answer.status)),
    fact("trip", `${Math.round(told.ms)} ms`),
    fact("service", stages.length ? `${Math.round(total)} ms` : "–"),
    fact("charge", ...charge(told)),
  ];
  if (told.uploaded) items.unshift(fact("upload", sizeOf(told.uploaded.bytes), `${Math.round(told.uploaded.ms)} ms`));
  if (told.result) items.push(fact("size", `${told.result.width} × ${told.result.height}`, sizeOf(told.result.bytes)));
  $("fact-list").replaceChildren(...items.map((pair) => make("div", {}, ...pair)));
  const rows = stages.map(({ name, ms }) => {
    const bar = make("i");
    bar.style.width = `${total ? (ms / total) * 100 : 0}%`;
    return make("div", { class: "stage-row" }, make("span", { title: name }, say(`stage.${name}`, {}, name)), make("span", {}, bar), make("span", {}, `${ms.toFixed(1)} ms`));
  });
  $("stages").replaceChildren(...rows);
  $("answer").textContent = told.answer.json ? JSON.stringify(told.answer.json, shortened, 2) : told.answer.text;
}

function drawCode() {
  $("snippet").textContent = SNIPPETS[language](told.made);
  $("snippet").setAttribute("aria-labelledby", `tab-${language}`);
  const notes = [told.demo ? "code.note.demo" : "code.note", told.changed ? "code.note.changed" : ""];
  $("code-note").textContent = notes.filter(Boolean).map((name) => say(name, { file: told.made.file })).join(" ");
  for (const tab of $("tabs").children) {
    const current = tab.dataset.language === language;
    tab.setAttribute("aria-selected", String(current));
    tab.tabIndex = current ? 0 : -1;
  }
}

// `call` is { answer, ms, pending, result, made, demo, uploaded, changed }.
export function report(call) {
  told = call;
  drawFacts();
  drawCode();
  $("facts").hidden = $("code").hidden = false;
}

// Tells the last fault and the last call again, in the language of the moment.
export function retell() {
  if (failed) drawFault();
  if (told) report(told);
}

// A call that came to no answer has neither facts nor code, and those of the one before are not its own.
export function forget() {
  told = null;
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
    // No clipboard without a secure page, or by the reader's own choice: the text is at least selected.
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
