// Small things about elements.

export const $ = (id) => document.getElementById(id);

// An element with attributes and children; `on` holds listeners.
export function make(tag, attributes = {}, ...children) {
  const { on = {}, ...rest } = attributes;
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child != null));
  return node;
}

// sessionStorage may be forbidden; then the tab simply forgets.
export const memory = {
  get(name) {
    try {
      return JSON.parse(sessionStorage.getItem(name));
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      sessionStorage.setItem(name, JSON.stringify(value));
    } catch {
      // forgotten
    }
  },
};

export function sizeOf(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
