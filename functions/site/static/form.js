// The form's changing parts: the API, its options, its credentials.

import { APIS, apiOf } from "./apis.js";
import { isSigned } from "./call.js";
import { $, make, memory } from "./dom.js";
import { say, translate } from "./words.js";

const chosen = { api: (apiOf(memory.get("api")) ?? APIS[0]).id, options: memory.get("options") ?? {} };
let facts = null;
let credentials = memory.get("credentials") ?? {};

export const api = () => apiOf(chosen.api);
export const limits = () => facts.apis[chosen.api];

function initial(option) {
  if (option.kind === "choice") return option.values[0][0];
  if (option.kind === "colour") return "#ffffff";
  if (option.kind === "several") return facts[option.values].join(",");
  return "";
}

export function options() {
  const values = (chosen.options[chosen.api] ??= {});
  for (const option of api().options) values[option.name] ??= initial(option);
  return values;
}

function keep(name, value) {
  options()[name] = value;
  memory.set("options", chosen.options);
}

export function isDemo() {
  const demo = facts.demo?.[limits().scheme];
  const own = entered();
  return Boolean(demo) && own.key === demo.key && (own.secret ?? "") === demo.secret;
}

// The credentials as typed; null where one is missing.
export function complete() {
  const own = entered();
  return own.key && (own.secret || !isSigned(limits().scheme)) ? own : null;
}

const entered = () => (credentials[limits().scheme] ??= { ...(facts.demo?.[limits().scheme] ?? { key: "", secret: "" }) });

function select(option) {
  const current = options()[option.name];
  const items = option.values.map(([value, ...words]) => make("option", { value, selected: value === current }, translate(words)));
  const change = (event) => {
    keep(option.name, event.target.value);
    drawOptions();
    $(`option-${option.name}`)?.focus();
  };
  return make("select", { id: `option-${option.name}`, name: option.name, on: { change } }, ...items);
}

function input(option) {
  const [min, max] = facts[option.bounds] ?? [];
  const attributes = option.kind === "colour" ? { type: "color" } : { type: "number", min, max, inputmode: "numeric", placeholder: say("option.optional") };
  const value = options()[option.name];
  return make("input", { id: `option-${option.name}`, name: option.name, value, ...attributes, on: { input: (event) => keep(option.name, event.target.value) } });
}

function several(option) {
  const on = new Set(options()[option.name].split(",").filter(Boolean));
  const change = (event) => {
    if (event.target.checked) on.add(event.target.value);
    else on.delete(event.target.value);
    keep(option.name, facts[option.values].filter((name) => on.has(name)).join(","));
  };
  const boxes = facts[option.values].map((name) =>
    make("label", {}, make("input", { type: "checkbox", value: name, checked: on.has(name), on: { change } }), translate(option.each[name])),
  );
  return make("fieldset", { class: "field wide" }, make("legend", {}, translate(option.words)), make("div", { class: "chips" }, ...boxes));
}

function drawOptions() {
  const visible = api().options.filter((option) => !option.when || option.when(options()));
  const fields = visible.map((option) => {
    if (option.kind === "several") return several(option);
    const control = option.kind === "choice" ? select(option) : input(option);
    return make("div", { class: "field" }, make("label", { for: control.id }, translate(option.words)), control);
  });
  $("options").replaceChildren(...(fields.length ? fields : [make("p", { class: "hint field wide" }, say("options.none"))]));
}

function drawCredentials() {
  const { scheme } = limits();
  const parts = isSigned(scheme) ? ["key", "secret"] : ["key"];
  const fields = parts.map((part) => {
    const change = (event) => {
      entered()[part] = event.target.value.trim();
      memory.set("credentials", credentials);
      event.target.removeAttribute("aria-invalid");
      drawNote();
    };
    const id = `credential-${part}`;
    const attributes = { id, name: id, value: entered()[part], type: part === "secret" ? "password" : "text", autocomplete: "off", spellcheck: "false", on: { input: change } };
    const label = isSigned(scheme) ? say(`key.${scheme}.${part}`) : `${say("key.api")} (${scheme})`;
    return make("div", { class: parts.length === 1 ? "field wide" : "field" }, make("label", { for: id }, label), make("input", { ...attributes, "aria-describedby": "key-note" }));
  });
  $("credentials").replaceChildren(...fields);
  drawNote();
}

function drawNote() {
  const use = () => {
    credentials = {};
    memory.set("credentials", credentials);
    drawCredentials();
    $("credential-key").focus();
  };
  const offer = facts.demo && !isDemo() ? make("button", { type: "button", class: "link", id: "use-demo", on: { click: use } }, say("key.useDemo")) : null;
  const note = isDemo() ? say("key.demo") : say("key.kept");
  $("key-note").replaceChildren(`${note} `, ...(offer ? [offer] : []));
}

function drawApis() {
  const choices = APIS.map(({ id, name, about }) => {
    const change = () => {
      chosen.api = id;
      memory.set("api", id);
      drawOptions();
      drawCredentials();
    };
    return make(
      "label",
      {},
      make("input", { type: "radio", name: "api", value: id, id: `api-${id}`, checked: id === chosen.api, on: { change } }),
      make("strong", {}, name),
      make("small", {}, translate(about)),
    );
  });
  $("apis").replaceChildren(...choices);
}

// Draws everything, in the language of the moment.
export function draw(known = facts) {
  facts = known;
  drawApis();
  drawOptions();
  drawCredentials();
}
