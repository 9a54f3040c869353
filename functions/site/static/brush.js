// The brush over a result that has a link: strokes to keep or remove, sent as one mend.

import { exchange } from "./call.js";
import { $ } from "./dom.js";

const INKS = { keep: "#1a7f37b0", remove: "#cf2222b0" };
const STEP = 0.02;
// Of a mend: all its strokes, and all their points (contracts.md 6.5).
const MAX_STROKES = 100;
const MAX_POINTS = 2000;
const state = { link: null, tool: "remove", strokes: [], drawing: null, cursor: [0.5, 0.5] };

// The address of a result's own link, which a signed address of CloudFront's names; null where there is none to mend.
export function ownLink(address) {
  if (!/^https?:/.test(address)) return null;
  const own = new URL(address).searchParams.get("variants") ?? address;
  return /\/r\/[^/]+$/.test(new URL(own).pathname) ? own : null;
}

const radius = () => Number($("brush-size").value) / 100;
const inside = (value) => Math.min(1, Math.max(0, value));

function draw() {
  const canvas = $("brush");
  [canvas.width, canvas.height] = [$("after").width, $("after").height];
  const pen = canvas.getContext("2d");
  const longer = Math.max(canvas.width, canvas.height);
  const place = ([x, y]) => [x * canvas.width, y * canvas.height];
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of [...state.strokes, state.drawing].filter(Boolean)) {
    pen.strokeStyle = INKS[stroke.do];
    pen.lineWidth = 2 * stroke.radius * longer;
    pen.beginPath();
    pen.moveTo(...place(stroke.points[0]));
    for (const point of stroke.points) pen.lineTo(...place(point));
    pen.stroke();
  }
  pen.strokeStyle = INKS[state.tool];
  pen.lineWidth = Math.max(1, longer / 400);
  pen.beginPath();
  pen.arc(...place(state.cursor), radius() * longer, 0, 2 * Math.PI);
  pen.stroke();
  for (const id of ["brush-undo", "brush-apply"]) $(id).disabled = state.strokes.length === 0;
}

function begin() {
  if (state.strokes.length === MAX_STROKES) return;
  state.drawing = { do: state.tool, radius: radius(), points: [state.cursor] };
  draw();
}

// Adds the cursor's place to the stroke that is drawn, from this distance on, in shares of the longer side.
function extend(distance) {
  const { drawing, cursor, strokes } = state;
  const { width, height } = $("brush");
  const last = drawing.points.at(-1);
  const way = Math.hypot((cursor[0] - last[0]) * width, (cursor[1] - last[1]) * height) / Math.max(width, height);
  const count = [...strokes, drawing].reduce((sum, stroke) => sum + stroke.points.length, 0);
  if (way > distance && count < MAX_POINTS) drawing.points.push(cursor);
}

function end() {
  if (state.drawing) {
    extend(0);
    state.strokes.push(state.drawing);
  }
  state.drawing = null;
  draw();
}

function move(x, y) {
  state.cursor = [inside(x), inside(y)];
  if (state.drawing) extend(state.drawing.radius / 4);
  draw();
}

function follow(event) {
  const box = $("brush").getBoundingClientRect();
  move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

function choose(tool) {
  state.tool = tool;
  for (const name of Object.keys(INKS)) $(`brush-${name}`).setAttribute("aria-pressed", String(name === tool));
  draw();
}

// Opens the brush over the result, or closes it.
function toggle(open) {
  for (const id of ["brush", "mend"]) $(id).hidden = !open;
  $("brush-open").setAttribute("aria-pressed", String(open));
  Object.assign(state, { strokes: [], drawing: null });
  if (open) choose(state.tool);
}

// Offers the brush for a result, if its address can be mended.
export function offer(address) {
  state.link = address ? ownLink(address) : null;
  $("brush-open").hidden = state.link === null;
  toggle(false);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function press(event) {
  const arrow = ARROWS[event.key];
  if (arrow) move(state.cursor[0] + arrow[0] * STEP, state.cursor[1] + arrow[1] * STEP);
  else if (event.key === " ") (state.drawing ? end : begin)();
  else return;
  event.preventDefault();
}

// `mended` gets the answer to a mend: { status, json }.
export function start(mended) {
  const canvas = $("brush");
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    follow(event);
    begin();
  });
  canvas.addEventListener("pointermove", follow);
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", press);
  $("brush-open").addEventListener("click", () => toggle($("mend").hidden));
  for (const name of Object.keys(INKS)) $(`brush-${name}`).addEventListener("click", () => choose(name));
  $("brush-size").addEventListener("input", draw);
  $("brush-undo").addEventListener("click", () => {
    state.strokes.pop();
    draw();
  });
  $("brush-apply").addEventListener("click", async () => {
    const body = JSON.stringify({ strokes: state.strokes });
    $("brush-apply").disabled = true;
    await mended(() => exchange(`${state.link}/mend`, { method: "POST", body, headers: { "Content-Type": "application/json" } }));
    draw();
  });
}
