// axios and form-data with a Buffer, which has no file name. Arguments: address, picture, path, field, header, result.
const fs = require("node:fs");
const axios = require("axios");
const FormData = require("form-data");

const [url, picture, path, field, header, result] = process.argv.slice(2);
const form = new FormData();
form.append("size", "auto");
form.append(field, fs.readFileSync(picture));
axios({
  method: "post",
  url: url + path,
  data: form,
  responseType: "arraybuffer",
  headers: { ...form.getHeaders(), [header]: "demo-key" },
}).then((response) => {
  fs.writeFileSync(result, response.data);
  console.log(JSON.stringify({ type: response.headers["content-type"], accept: response.config.headers.Accept }));
});
