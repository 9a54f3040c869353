// The stage: result over checkerboard or colour, the original in front of it up to the slider, zoom, layers.

import { $ } from "./dom.js";

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

const state = { before: null, layers: [], background: null, zoom: 0, comparable: false };

function size(canvas, width, height) {
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d");
}

// Draws the visible layers, on the background if `filled`.
export function paint(canvas, filled) {
  const visible = state.layers.filter((layer) => layer.on);
  const first = state.layers[0].bitmap;
  const context = size(canvas, first.width, first.height);
  if (filled && state.background) {
    context.fillStyle = state.background;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  for (const layer of visible) context.drawImage(layer.bitmap, 0, 0);
}

function slide() {
  const share = state.comparable ? Number($("slider").value) : 0;
  $("before").style.clipPath = `inset(0 ${100 - share}% 0 0)`;
  $("divider").style.left = `${share}%`;
  $("slider").setAttribute("aria-valuetext", `${share} %`);
}

function layout() {
  const { width, height } = $("after");
  const stage = $("stage");
  const fit = Math.min((stage.clientWidth - 2) / width, (window.innerHeight * 0.72 - 2) / height, 2);
  const scale = fit * ZOOMS[state.zoom];
  $("sheet").style.width = `${Math.floor(width * scale)}px`;
  $("sheet").style.height = `${Math.floor(height * scale)}px`;
  $("zoom-value").textContent = `${Math.round(ZOOMS[state.zoom] * 100)}%`;
  $("zoom-out").disabled = state.zoom === 0;
  $("zoom-in").disabled = state.zoom === ZOOMS.length - 1;
}

export function repaint() {
  paint($("after"), false);
  $("sheet").style.background = state.background ?? "";
}

// Shows `layers`, { name, bitmap, on } drawn in order. A result whose size is not the original's is shown without it.
export function show(before, layers) {
  Object.assign(state, { before, layers, zoom: 0 });
  const { width, height } = layers[0].bitmap;
  state.comparable = before.width === width && before.height === height;
  repaint();
  size($("before"), width, height);
  if (state.comparable) $("before").getContext("2d").drawImage(before, 0, 0);
  for (const id of ["empty", "error"]) $(id).hidden = true;
  for (const id of ["sheet", "stage", "tools"]) $(id).hidden = false;
  for (const id of ["before", "divider", "compare"]) $(id).hidden = !state.comparable;
  $("slider").value = 50;
  layout();
  slide();
  reveal();
}

// Scrolls to the result if it is not visible, as after pressing the button at the end of the form.
export function reveal() {
  const { top } = $("result-title").getBoundingClientRect();
  if (top < 0 || top > window.innerHeight * 0.6) $("result-title").scrollIntoView({ block: "start" });
}

// Hides the last result, so that it is not taken for that of a failed call.
export function clear() {
  state.layers = [];
  for (const id of ["stage", "sheet", "tools", "compare", "layers", "mend", "brush"]) $(id).hidden = true;
}

// Shows a spinner over the last result, if there is one, while a call is in flight.
export function wait(waiting) {
  $("busy").hidden = !waiting;
  if (!waiting) return;
  $("stage").hidden = false;
  $("error").hidden = true;
  $("empty").hidden = true;
  reveal();
}

export function setBackground(colour) {
  state.background = colour;
  if (state.layers.length) repaint();
}

export const background = () => state.background;

function zoom(step) {
  const stage = $("stage");
  const [x, y] = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
  const before = $("sheet").clientWidth;
  state.zoom = Math.min(ZOOMS.length - 1, Math.max(0, state.zoom + step));
  layout();
  const growth = $("sheet").clientWidth / before;
  stage.scrollTo(x * growth - stage.clientWidth / 2, y * growth - stage.clientHeight / 2);
}

function drag(event) {
  const box = $("sheet").getBoundingClientRect();
  $("slider").value = ((event.clientX - box.left) / box.width) * 100;
  slide();
}

export function start() {
  $("slider").addEventListener("input", slide);
  $("zoom-in").addEventListener("click", () => zoom(1));
  $("zoom-out").addEventListener("click", () => zoom(-1));
  $("divider").addEventListener("pointerdown", (event) => {
    $("divider").setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  $("divider").addEventListener("pointermove", (event) => {
    if ($("divider").hasPointerCapture(event.pointerId)) drag(event);
  });
  window.addEventListener("resize", () => state.layers.length && layout());
}
