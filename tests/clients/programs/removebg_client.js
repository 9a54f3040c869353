// npm remove.bg: the address is a constant of its module, which is changed as a patch would. Arguments: address, picture.
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const [url, picture] = process.argv.slice(2);
const file = require.resolve("remove.bg");
const patched = new Module(file);
patched.filename = file;
patched.paths = Module._nodeModulePaths(path.dirname(file));
patched._compile(fs.readFileSync(file, "utf8").replace("https://api.remove.bg", url), file);
const { removeBackgroundFromImageBase64, removeBackgroundFromImageFile } = patched.exports;

(async () => {
  const options = { apiKey: "demo-key", size: "regular", type: "auto" };
  const byFile = await removeBackgroundFromImageFile({ ...options, path: picture, outputFile: "no-bg.png" });
  const base64img = fs.readFileSync(picture).toString("base64");
  const byText = await removeBackgroundFromImageBase64({ ...options, base64img, crop: true, bg_color: "green" });
  const refused = await removeBackgroundFromImageBase64({ ...options, base64img, apiKey: "wrong" }).catch((errors) => errors);
  delete byFile.base64img;
  delete byText.base64img;
  console.log(JSON.stringify({ byFile, byText, refused }));
})();
