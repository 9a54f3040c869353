// The playground's modules and the review page's editor run in a browser, the guides' examples and the peers' workers in
// Node.
import js from "@eslint/js";

const named = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

const BOTH = named(
  "AbortController", "AbortSignal", "Blob", "FormData", "TextDecoder", "TextEncoder", "URL", "URLSearchParams",
  "atob", "btoa", "clearTimeout", "console", "crypto", "fetch", "setTimeout", "structuredClone",
);
const BROWSER = named(
  "File", "FileReader", "Image", "OffscreenCanvas", "XMLHttpRequest", "createImageBitmap", "document", "getSelection",
  "localStorage", "location", "matchMedia", "navigator", "performance", "requestAnimationFrame", "sessionStorage", "window",
);
// The editor is the end of the page's script (review/page.html), which declares these.
const PAGE = named("HTMLButtonElement", "KEYS", "addEventListener", "at", "current", "element", "items", "row", "setBackground", "show");
const NODE = named("Buffer", "process");

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    rules: {
      complexity: ["error", 12],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["functions/site/static/**"], languageOptions: { globals: { ...BOTH, ...BROWSER } } },
  { files: ["layers/**"], languageOptions: { sourceType: "script", globals: { ...BOTH, ...BROWSER, ...PAGE } } },
  { files: ["docs/**", "tools/**"], languageOptions: { globals: { ...BOTH, ...NODE } } },
];
