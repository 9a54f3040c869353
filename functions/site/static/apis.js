// The five APIs: their options, the call that a choice makes, and how their answers read.
//
// A call is { path, scheme, body: { kind: "multipart" | "json" | "bytes", fields, file, link } }: `file` names the picture's
// field, and `link` the field that takes a picture's address instead, where the API has one.
// An answer reads as { images: { name: address or base64 }, taskId, pending, fault: { code, message } }.

const choice = (name, values, when) => ({ name, kind: "choice", values, when });
const number = (name) => ({ name, kind: "number" });

function without(fields, empty) {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== "" && value !== empty[name]));
}

function picwish(answer) {
  const { status, message, data } = answer;
  if (status !== 200) return { fault: { code: String(status), message } };
  if (data.state < 0) return { fault: { code: String(data.state), message: `state ${data.state}` }, taskId: data.task_id };
  if (data.state !== 1) return { pending: true, state: data.state ?? 0, progress: data.progress ?? 0, taskId: data.task_id };
  return { images: { image: data.image, mask: data.mask }, taskId: data.task_id };
}

function jd(picture) {
  return (answer) => {
    const result = answer.result;
    if (!result) return { fault: { code: String(answer.code), message: answer.msg ?? answer.message } };
    if (!result[picture]) return { fault: { code: String(result.status), message: result.message } };
    return { images: { image: result[picture] } };
  };
}

function aidge(answer) {
  if (answer.success) return { images: { image: answer.data.imageUrl } };
  const code = answer.type === "ISV" ? answer.code : String(answer.resCode);
  return { fault: { code, message: answer.resMessage } };
}

function ailab(answer) {
  if (answer.error_code !== 0) {
    return { fault: { code: answer.error_code_str, message: answer.error_detail?.message ?? answer.error_msg } };
  }
  const [union, classes] = answer.data.elements;
  return { images: { image: union.image_url, ...classes.class_url } };
}

export const APIS = [
  {
    id: "pw",
    name: "PicWish",
    path: "api/tasks/visual/segmentation",
    options: [
      choice("type", ["auto", "person", "object", "stamp"]),
      choice("output_type", ["2", "1", "3"]),
      choice("format", ["png", "jpg"]),
      { name: "bg_color", kind: "colour", when: (options) => options.format === "jpg" },
      choice("crop", ["0", "1"]),
      choice("sync", ["1", "0"]),
    ],
    body: (options) => {
      const fields = without(options, { type: "auto", output_type: "2", format: "png", crop: "0" });
      if (options.format === "jpg") fields.bg_color = options.bg_color.slice(1);
      else delete fields.bg_color;
      return { kind: "multipart", fields, file: "image_file", link: "image_url" };
    },
    read: picwish,
  },
  {
    id: "jdc",
    name: "JD Cloud",
    path: "api/cutout/",
    options: [],
    body: () => ({ kind: "bytes", fields: {}, contentType: "application/octet-stream" }),
    read: jd("cutout_image_url"),
  },
  {
    id: "jds",
    name: "JD SelfieSeg",
    path: "jdai/SelfieSeg",
    options: [],
    body: () => ({ kind: "json", fields: {}, file: "image", contentType: "application/json" }),
    read: jd("image"),
  },
  {
    id: "aid",
    name: "Aidge",
    path: "ai/image/cut/out",
    options: [choice("backGroundType", ["TRANSPARENT", "WHITE_BACKGROUND"]), number("targetWidth"), number("targetHeight")],
    body: (options) => {
      const fields = without(options, {});
      for (const name of ["targetWidth", "targetHeight"]) if (name in fields) fields[name] = Number(fields[name]);
      return { kind: "json", fields, file: "imageBase64", link: "imageUrl", contentType: "application/json" };
    },
    read: aidge,
  },
  {
    id: "ail",
    name: "AILabTools",
    path: "api/cutout/general/apparel-background-removal",
    options: [
      { name: "cloth_class", kind: "garments" },
      choice("return_form", ["", "whiteBK", "mask"]),
      choice("out_mode", ["0", "1"]),
    ],
    body: (options) => ({ kind: "multipart", fields: without(options, { out_mode: "0" }), file: "image", link: "image" }),
    read: ailab,
  },
];

export const apiOf = (id) => APIS.find((api) => api.id === id);

// Bytes that fit through a synchronous Lambda call: 6 MiB of event, in which the body is base64; JSON holds base64 itself.
const EVENT_BYTES = 5.9 * 1024 * 1024;
export const callBytes = (kind) => Math.floor(kind === "json" ? (EVENT_BYTES * 9) / 16 : (EVENT_BYTES * 3) / 4);
