// What the three languages' snippets share. A snippet tells of `made`:
// { call, url, file, key, secret, poll, ticket }, where `ticket` is { url, type, size } if the picture went by an upload ticket.

export const shell = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;
export const code = (value) => JSON.stringify(value);
export const lines = (...parts) => parts.flat().filter((part) => part !== null).join("\n") + "\n";
