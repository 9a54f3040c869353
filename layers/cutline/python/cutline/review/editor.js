
// The editor: brushes over a reduced photo; the server answers each stroke with a mask, and saves in full size.
// drawing: the stroke under the brush; pending: the last one drawn, until its mask is there; opening: counts, so that
// what was asked for one picture never reaches the editor of another.
const edit = { opening: 0, item: -1, strokes: [], undone: [], tool: "keep", radius: 0.02, zoom: 1, x: 0.5, y: 0.5, cursor: [0.5, 0.5], drawing: null, pending: null, photo: null, mask: null, original: false, asked: 0, milliseconds: 0 };
const INKS = { keep: "#1a7f37b0", remove: "#cf2222b0" };
const RADII = [0.002, 0.2], ZOOMS = [1, 16], STEP = 0.02, MAX_POINTS = 400;
document.head.append(element("style", { textContent: `
#editor { display: none; position: fixed; inset: 0; z-index: 2; background: Canvas; grid-template-rows: auto 1fr auto; }
#editor.open { display: grid; }
#editor div { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; padding: .5rem 1rem; }
#editor canvas { width: 100%; height: 100%; min-height: 0; touch-action: none; cursor: none; }
#editor canvas:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }` }));
const canvas = element("canvas", { tabIndex: 0 });
canvas.setAttribute("aria-label", "the picture; arrows move the brush, space draws");
const status_ = element("span", { id: "edit-status" });
status_.setAttribute("role", "status");
const button = (id, key, text, action) => {
  const made = element("button", { id, onclick: () => { action(); canvas.focus(); } }, element("kbd", { textContent: key }), " " + text);
  return made;
};
const editor = element("section", { id: "editor" },
  element("div", {},
    button("edit-keep", "k", "keep", () => choose("keep")), button("edit-remove", "r", "remove", () => choose("remove")),
    button("edit-smaller", "[", "smaller", () => size(1 / 1.25)), button("edit-larger", "]", "larger", () => size(1.25)),
    button("edit-undo", "u", "undo", undo), button("edit-redo", "y", "redo", redo),
    button("edit-in", "+", "zoom in", () => zoom(1.5)), button("edit-out", "-", "zoom out", () => zoom(1 / 1.5)), button("edit-fit", "0", "fit", fit),
    button("edit-save", "s", "save", saveEdit), button("edit-close", "esc", "close", closeEditor), status_),
  canvas,
  element("div", {}, element("span", { textContent: "wheel: size · ctrl + wheel: zoom · shift + drag or shift + arrows: move the picture · hold b: the original · arrows and space: draw without a mouse" })));
document.body.append(editor);
const opener = element("button", { id: "edit", onclick: openEditor }, element("kbd", { textContent: "e" }), " edit");
at("undo").after(opener);

async function ask(name, item, body) {
  const address = `${name}?item=${item}`;
  const answer = await fetch(address, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

async function openEditor() {
  if (!items.length || editor.classList.contains("open")) return;
  const opening = ++edit.opening, item = current;
  Object.assign(edit, { item, strokes: [], undone: [], drawing: null, pending: null, photo: null, mask: null, original: false, cursor: [0.5, 0.5] });
  editor.classList.add("open");
  canvas.focus();
  choose("keep");
  fit();
  say("opening");
  try {
    const photo = await createImageBitmap(await (await ask("photo", item)).blob());
    const strokes = await (await ask("strokes", item)).json();
    if (opening !== edit.opening) return;
    Object.assign(edit, { strokes, photo });
    await refresh();
  } catch (error) { if (opening === edit.opening) say(error.message); }
}

function closeEditor() { edit.opening += 1; edit.asked += 1; editor.classList.remove("open"); edit.photo = edit.mask = null; show(current); }

function say(text) { status_.textContent = text; }

function summary() { say(`${edit.strokes.length} stroke${edit.strokes.length === 1 ? "" : "s"}${edit.milliseconds ? ` · ${edit.milliseconds} ms` : ""}`); }

function choose(tool) {
  edit.tool = tool;
  for (const name of ["keep", "remove"]) at("edit-" + name).setAttribute("aria-pressed", String(name === tool));
  draw();
}

const clamp = (value, [low, high]) => Math.max(low, Math.min(high, value));
function size(factor) { edit.radius = clamp(edit.radius * factor, RADII); draw(); }
function fit() { Object.assign(edit, { zoom: 1, x: 0.5, y: 0.5 }); draw(); }

function zoom(factor, [x, y] = edit.cursor) {
  const next = clamp(edit.zoom * factor, ZOOMS), ratio = edit.zoom / next;
  // The place under the pointer stays there.
  edit.x = x + (edit.x - x) * ratio; edit.y = y + (edit.y - y) * ratio; edit.zoom = next;
  pan(0, 0);
}

function pan(x, y) {
  edit.x = clamp(edit.x + x, [0, 1]); edit.y = clamp(edit.y + y, [0, 1]);
  draw();
}

// The photo's rectangle on the canvas: left, top, width, height.
function frame() {
  const fitting = Math.min(canvas.width / edit.photo.width, canvas.height / edit.photo.height) * edit.zoom;
  const width = edit.photo.width * fitting, height = edit.photo.height * fitting;
  return [canvas.width / 2 - edit.x * width, canvas.height / 2 - edit.y * height, width, height];
}

function shares(event) {
  const box = canvas.getBoundingClientRect(), [left, top, width, height] = frame();
  return [((event.clientX - box.left) * canvas.width / box.width - left) / width, ((event.clientY - box.top) * canvas.height / box.height - top) / height];
}

function inside([x, y]) { return [clamp(x, [0, 1]), clamp(y, [0, 1])]; }

function checks(pen) {
  const tile = element("canvas", { width: 24, height: 24 }), inner = tile.getContext("2d");
  inner.fillStyle = "#fff";
  inner.fillRect(0, 0, 24, 24);
  inner.fillStyle = "#bbb";
  for (const [x, y] of [[0, 0], [12, 12]]) inner.fillRect(x, y, 12, 12);
  return pen.createPattern(tile, "repeat");
}

function draw() {
  if (!editor.classList.contains("open")) return;
  canvas.width = canvas.clientWidth; canvas.height = canvas.clientHeight;
  const pen = canvas.getContext("2d");
  if (!edit.photo) return;
  const [left, top, width, height] = frame();
  if (edit.original || !edit.mask) pen.drawImage(edit.photo, left, top, width, height);
  else {
    pen.fillStyle = { white: "#fff", check: checks(pen), colour: "#d61f69" }[at("main").dataset.background];
    pen.fillRect(left, top, width, height);
    // What is removed stays faintly in sight, so that it can be kept.
    pen.globalAlpha = 0.25;
    pen.drawImage(edit.photo, left, top, width, height);
    pen.globalAlpha = 1;
    pen.drawImage(edit.mask, left, top, width, height);
  }
  const radius = (share) => Math.max(1, share * Math.max(width, height));
  const place = ([x, y]) => [left + x * width, top + y * height];
  for (const stroke of [edit.pending, edit.drawing].filter(Boolean)) {
    pen.strokeStyle = INKS[stroke.do];
    pen.lineWidth = 2 * radius(stroke.radius); pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...place(stroke.points[0]));
    for (const point of stroke.points) pen.lineTo(...place(point));
    pen.stroke();
  }
  for (const [style, more] of [["#fff", 1.5], [INKS[edit.tool], 0]]) {
    pen.strokeStyle = style; pen.lineWidth = 1.5;
    pen.beginPath(); pen.arc(...place(edit.cursor), radius(edit.radius) + more, 0, 2 * Math.PI); pen.stroke();
  }
}

// The photo with the answered mask as its alpha.
async function refresh() {
  const asked = ++edit.asked, started = performance.now();
  const mask = await createImageBitmap(await (await ask("preview", edit.item, edit.strokes)).blob());
  if (asked !== edit.asked || !edit.photo) return;
  const made = element("canvas", { width: edit.photo.width, height: edit.photo.height }), pen = made.getContext("2d");
  pen.drawImage(edit.photo, 0, 0);
  pen.globalCompositeOperation = "destination-in";
  pen.drawImage(mask, 0, 0);
  edit.mask = made;
  edit.pending = null;
  edit.milliseconds = Math.round(performance.now() - started);
  draw();
  summary();
}

async function changed() {
  const { opening } = edit;
  try { await refresh(); } catch (error) {
    if (opening !== edit.opening) return;
    edit.pending = null;
    draw();
    say(error.message);
  }
}

function begin(point) {
  if (edit.photo) edit.drawing = { do: edit.tool, radius: edit.radius, points: [inside(point)] };
  draw();
}

function extend(point) {
  const [x, y] = inside(point), last = edit.drawing.points.at(-1);
  if (Math.hypot(x - last[0], y - last[1]) < edit.radius / 4 || edit.drawing.points.length >= MAX_POINTS) return;
  edit.drawing.points.push([x, y]);
}

function end() {
  if (!edit.drawing) return;
  edit.strokes = [...edit.strokes, edit.drawing];
  Object.assign(edit, { undone: [], pending: edit.drawing, drawing: null });
  changed();
}

function undo() { if (edit.strokes.length) { edit.undone.push(edit.strokes.at(-1)); edit.strokes = edit.strokes.slice(0, -1); changed(); } }
function redo() { if (edit.undone.length) { edit.strokes = [...edit.strokes, edit.undone.pop()]; changed(); } }

async function saveEdit() {
  if (!edit.photo) return;
  const { opening, item } = edit;
  say("saving");
  try {
    const saved = await (await ask("save", item, edit.strokes)).json();
    const { before } = items[item];
    Object.assign(items[item], saved, { before, after: `after?item=${item}&v=${Date.now()}` });
    at("list").children[item].replaceWith(row(items[item], item));
    if (opening === edit.opening) closeEditor();
  } catch (error) { if (opening === edit.opening) say(error.message); }
}

let drawn = false, moved = null;
canvas.addEventListener("pointerdown", (event) => {
  if (!edit.photo) return;
  canvas.setPointerCapture(event.pointerId);
  if (event.shiftKey || event.button === 1) moved = [event.clientX, event.clientY];
  else if (event.button === 0) { drawn = true; edit.cursor = shares(event); begin(edit.cursor); }
});
canvas.addEventListener("pointermove", (event) => {
  if (!edit.photo) return;
  if (moved) {
    const [, , width, height] = frame();
    pan((moved[0] - event.clientX) / width, (moved[1] - event.clientY) / height);
    moved = [event.clientX, event.clientY];
    return;
  }
  edit.cursor = shares(event);
  if (drawn) extend(edit.cursor);
  draw();
});
canvas.addEventListener("pointerup", () => { if (drawn) end(); drawn = false; moved = null; });
canvas.addEventListener("pointercancel", () => { drawn = false; moved = null; edit.drawing = null; draw(); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (!edit.photo) return;
  if (event.ctrlKey) zoom(event.deltaY < 0 ? 1.25 : 1 / 1.25, shares(event)); else size(event.deltaY < 0 ? 1.15 : 1 / 1.15);
}, { passive: false });

// Without a mouse: arrows move the brush, space begins and ends a stroke.
function step(x, y, event) {
  const far = STEP / edit.zoom;
  if (event.shiftKey) return pan(x * far * 4, y * far * 4);
  edit.cursor = inside([edit.cursor[0] + x * far, edit.cursor[1] + y * far]);
  if (edit.drawing) extend(edit.cursor);
  draw();
}

const EDIT_KEYS = {
  k: () => choose("keep"), r: () => choose("remove"), "[": () => size(1 / 1.25), "]": () => size(1.25), u: undo, y: redo,
  "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: fit, s: saveEdit, Escape: closeEditor, e: closeEditor,
  b: () => { edit.original = true; draw(); }, " ": () => edit.drawing ? end() : begin(edit.cursor),
  1: () => { setBackground("white"); draw(); }, 2: () => { setBackground("check"); draw(); }, 3: () => { setBackground("colour"); draw(); },
  ArrowLeft: (event) => step(-1, 0, event), ArrowRight: (event) => step(1, 0, event),
  ArrowUp: (event) => step(0, -1, event), ArrowDown: (event) => step(0, 1, event),
};
const isUndoing = (event) => (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
KEYS.e = openEditor;
addEventListener("keydown", (event) => {
  if (!editor.classList.contains("open")) return;
  const undoing = isUndoing(event);
  const action = undoing ? (event.shiftKey ? redo : undo) : EDIT_KEYS[event.key];
  // A button that has the focus is pressed by space and enter.
  const pressed = event.key === " " && document.activeElement instanceof HTMLButtonElement;
  event.stopImmediatePropagation();
  if (!action || pressed || event.altKey || ((event.ctrlKey || event.metaKey) && !undoing)) return;
  event.preventDefault();
  action(event);
}, true);
addEventListener("keyup", (event) => { if (event.key === "b") { edit.original = false; draw(); } });
addEventListener("resize", draw);
