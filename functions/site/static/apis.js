// The APIs: one row each, with its words as [English, Chinese]; the call that a choice makes, and how its answers read.
//
// An option is a choice of [value, English, Chinese], a number within the fact `bounds`, a colour, or some of the fact
// `values`. The first API, and the first value of a choice, is what the page begins with.
// A call is { path, scheme, body: { kind: "multipart" | "json" | "bytes", fields, file, link, headers } }: `file` names the
// picture's field, `link` the field that takes a picture's address instead, where the API has one; `headers` are what a
// multipart call sends besides its key; `saved` is what the code calls an answer that is the picture itself.
// `query` makes the part of the address after the path, of an API whose body is the picture itself.
// An answer reads as { images: { name: address or base64 }, taskId, pending, fault: { code, message } }; `layers` has the
// words for images that the page has none for. An answer without images is about the picture that was sent.

const choice = (name, words, ...values) => ({ name, kind: "choice", words, values });
const number = (name, words, bounds) => ({ name, kind: "number", words, bounds });

const GARMENTS = {
  tops: ["Tops", "上衣"], coat: ["Coat", "外套"], skirt: ["Skirt", "裙装"], pants: ["Trousers", "裤子"],
  bag: ["Bag", "包"], shoes: ["Shoes", "鞋"], hat: ["Hat", "帽子"],
};

// Cutline's own fields, which every API takes.
const SHADOW = choice("shadow", ["Shadow", "阴影"], ["none", "None", "无"], ["auto", "Kept or drawn", "保留或绘制"], ["keep", "Its own", "保留原有阴影"], ["drop", "Drawn", "绘制阴影"]);
const BEHIND = choice("background", ["Behind it", "背景效果"], ["transparent", "By format", "按格式"], ["ffffff,d8e4f0", "A gradient", "渐变"], ["blur", "Blurred", "原背景虚化"]);
const METADATA = choice("metadata", ["The file's data", "文件信息"], ["none", "None", "不保留"], ["keep", "Date, rights", "日期与版权"], ["all", "All of it", "全部"]);
const FINISH = [SHADOW, BEHIND, METADATA];
const UNFINISHED = { shadow: "none", background: "transparent", metadata: "none" };

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

function removebg(answer) {
  if (answer.errors) return { fault: { code: answer.errors[0].code, message: answer.errors[0].detail ?? answer.errors[0].title } };
  const { result_b64: base64 } = answer.data;
  const type = base64.startsWith("/9j/") ? "jpeg" : base64.startsWith("UklGR") ? "webp" : base64.startsWith("iVBOR") ? "png" : "avif";
  return { images: { image: `data:image/${type};base64,${base64}` } };
}

function rembg(answer) {
  if (answer.file) return { images: { image: answer.file } };
  const { detail } = answer;
  return { fault: { code: answer.code, message: typeof detail === "string" ? detail : `${detail[0].loc.at(-1)}: ${detail[0].msg}` } };
}

function checked(answer) {
  return answer.verdicts ? { images: {} } : { fault: { code: answer.code, message: answer.message } };
}

export const APIS = [
  {
    id: "pw",
    name: "PicWish",
    about: ["By form; waits or works in the background.", "表单提交；可等待结果，也可后台处理。"],
    path: "api/tasks/visual/segmentation",
    options: [
      choice("type", ["Subject", "主体"], ["auto", "Anything", "自动"], ["person", "Person", "人物"], ["object", "Object", "物体"], ["stamp", "Stamp or seal", "印章"]),
      choice("output_type", ["Result", "结果"], ["2", "Picture", "图片"], ["1", "Picture and mask", "图片和蒙版"], ["3", "Mask", "蒙版"]),
      choice("format", ["Format", "格式"], ["png", "PNG, transparent", "PNG，透明"], ["jpg", "JPEG, on a colour", "JPEG，纯色背景"]),
      { name: "bg_color", kind: "colour", words: ["Background", "背景色"], when: (options) => options.format === "jpg" },
      choice("crop", ["Size", "尺寸"], ["0", "As the original", "与原图相同"], ["1", "Cropped to the subject", "裁剪到主体"]),
      ...FINISH,
      choice("sync", ["Delivery", "方式"], ["1", "Wait for it", "等待结果"], ["0", "In the background", "后台处理"]),
    ],
    body: (options) => {
      const fields = without(options, { type: "auto", output_type: "2", format: "png", crop: "0", ...UNFINISHED });
      if (options.format === "jpg" && !fields.background) fields.bg_color = options.bg_color.slice(1);
      else delete fields.bg_color;
      return { kind: "multipart", fields, file: "image_file", link: "image_url" };
    },
    read: picwish,
  },
  {
    id: "jdc",
    name: "JD Cloud",
    about: ["Image Matting of whatever stands in front.", "图像抠图：抠出图中主体。"],
    path: "api/cutout/",
    options: [],
    body: () => ({ kind: "bytes", fields: {}, contentType: "application/octet-stream" }),
    read: jd("cutout_image_url"),
  },
  {
    id: "jds",
    name: "JD SelfieSeg",
    about: ["People only; the picture is in the answer.", "仅限人像；结果图包含在返回中。"],
    path: "jdai/SelfieSeg",
    options: FINISH,
    body: (options) => ({ kind: "json", fields: without(options, UNFINISHED), file: "image", contentType: "application/json" }),
    read: jd("image"),
  },
  {
    id: "aid",
    name: "Aidge",
    about: ["Transparent or white, resized if you like.", "透明或白底，可调整尺寸。"],
    path: "ai/image/cut/out",
    options: [
      choice("backGroundType", ["Background", "背景"], ["TRANSPARENT", "Transparent", "透明"], ["WHITE_BACKGROUND", "White", "白色"]),
      number("targetWidth", ["Width, px", "宽度（像素）"], "target_px"),
      number("targetHeight", ["Height, px", "高度（像素）"], "target_px"),
      SHADOW,
      { ...BEHIND, when: (options) => options.backGroundType === "TRANSPARENT" },
      METADATA,
    ],
    body: (options) => {
      const fields = without(options, UNFINISHED);
      if (options.backGroundType !== "TRANSPARENT") delete fields.background;
      for (const name of ["targetWidth", "targetHeight"]) if (name in fields) fields[name] = Number(fields[name]);
      return { kind: "json", fields, file: "imageBase64", link: "imageUrl", contentType: "application/json" };
    },
    read: aidge,
  },
  {
    id: "ail",
    name: "AILabTools",
    about: ["Costume removal: garments one by one.", "服饰抠图：逐件分割服装。"],
    path: "api/cutout/general/apparel-background-removal",
    options: [
      { name: "cloth_class", kind: "several", words: ["Garments delivered one by one", "逐件返回的服饰"], values: "garments", each: GARMENTS },
      choice("return_form", ["Form", "形式"], ["", "Transparent", "透明"], ["whiteBK", "On white", "白底"], ["mask", "Mask", "蒙版"]),
      choice("out_mode", ["Whole picture shows", "总图包含"], ["0", "All garments", "所有服饰"], ["1", "Chosen garments", "所选服饰"]),
      SHADOW,
      { ...BEHIND, when: (options) => options.return_form === "" },
      METADATA,
    ],
    layers: { image: ["All garments", "所有服饰"], ...GARMENTS },
    body: (options) => {
      const fields = without(options, { out_mode: "0", ...UNFINISHED });
      if (options.return_form !== "") delete fields.background;
      return { kind: "multipart", fields, file: "image", link: "image" };
    },
    read: ailab,
  },
  {
    id: "rbg",
    name: "remove.bg",
    about: ["By form; the result is in the answer.", "表单提交；结果图包含在返回中。"],
    path: "v1.0/removebg",
    options: [
      choice("size", ["Size", "尺寸"], ["auto", "As the original", "与原图相同"], ["preview", "Preview", "预览"], ["medium", "1.5 megapixels", "150 万像素"]),
      choice("type", ["Subject", "主体"], ["auto", "Anything", "自动"], ["person", "Person", "人物"], ["product", "Product", "商品"]),
      choice("format", ["Format", "格式"], ["png", "PNG", "PNG"], ["jpg", "JPEG, on white", "JPEG，白底"], ["webp", "WebP", "WebP"], ["avif", "AVIF", "AVIF"]),
      choice("channels", ["Result", "结果"], ["rgba", "Picture", "图片"], ["alpha", "Mask", "蒙版"]),
      choice("crop", ["Frame", "画幅"], ["false", "As the original", "与原图相同"], ["true", "Cropped to the subject", "裁剪到主体"]),
      choice("shadow_type", SHADOW.words, ["none", "None", "无"], ["auto", "Kept or drawn", "保留或绘制"], ["drop", "Drawn", "绘制阴影"]),
      { ...BEHIND, name: "bg_color" },
      METADATA,
    ],
    body: (options) => ({ kind: "multipart", fields: without(options, { type: "auto", channels: "rgba", crop: "false", shadow_type: "none", bg_color: "transparent", metadata: "none" }), file: "image_file", link: "image_url", headers: { Accept: "application/json" } }),
    read: removebg,
  },
  {
    id: "rem",
    name: "rembg",
    about: ["By form; the answer is the PNG.", "表单提交；直接返回 PNG。"],
    path: "api/remove",
    options: [
      choice("om", ["Result", "结果"], ["false", "Picture", "图片"], ["true", "Mask", "蒙版"]),
      choice("bgc", ["Background", "背景"], ["", "Transparent", "透明"], ["255,255,255,255", "White", "白色"]),
      SHADOW,
      { ...BEHIND, when: (options) => options.bgc === "" },
      METADATA,
    ],
    body: (options) => ({ kind: "multipart", fields: without({ ...options, background: options.bgc ? "" : options.background }, { om: "false", ...UNFINISHED }), file: "file", link: "url", saved: "cutout.png" }),
    read: rembg,
  },
  {
    id: "chk",
    name: "Marketplace check",
    about: ["Checks the picture against a marketplace's rules; the answer lists the verdicts.", "按电商平台规则检查图片；返回逐条结论。"],
    path: "check",
    query: (options) => `?profile=${options.profile}`,
    options: [
      choice("profile", ["Rules", "规则"], ["amazon-main", "Amazon", "亚马逊"], ["google-merchant", "Google Merchant", "Google Merchant"], ["taobao-white", "Taobao", "淘宝"], ["jd-main", "JD.com", "京东"], ["temu", "Temu", "Temu"], ["ebay", "eBay", "eBay"], ["shopify-square", "Shopify", "Shopify"]),
    ],
    body: () => ({ kind: "bytes", fields: {}, contentType: "application/octet-stream" }),
    read: checked,
  },
];

export const apiOf = (id) => APIS.find((api) => api.id === id);

// Bytes that fit through a synchronous Lambda call: 6 MiB of event, in which the body is base64; JSON holds base64 itself.
const EVENT_BYTES = 5.9 * 1024 * 1024;
export const callBytes = (kind) => Math.floor(kind === "json" ? (EVENT_BYTES * 9) / 16 : (EVENT_BYTES * 3) / 4);
