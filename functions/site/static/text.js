// Functions that the three languages' snippets share. A snippet is written from `made`:
// { call, url, file, key, secret, poll, ticket }, where `ticket` is { url, type, size } if an upload ticket was used.

export const shell = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;
export const code = (value) => JSON.stringify(value);
export const lines = (...parts) => parts.flat().filter((part) => part !== null).join("\n") + "\n";
