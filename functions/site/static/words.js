// All texts of the page, in English and Chinese.

const EN = {
  "nav.label": "Site", "nav.reference": "API reference", "nav.language": "Language",
  "title": "Cutline playground",
  "hero.title": "Cut out product pictures in your own AWS account",
  "hero.text": "Pick a picture, pick the API that your shop calls today, and see what comes back. Going live means changing a host name and a key.",
  "picture.title": "Picture", "picture.drop": "Drop, paste or choose a picture", "picture.private": "It goes to this service only.",
  "picture.samples": "Samples", "picture.unreadable": "This file is not a picture that the browser can open. JPEG, PNG and WebP are.",
  "sample.mug": "Mug", "sample.person": "Person", "sample.shirt": "Shirt",
  "api.title": "API",
  "options.title": "Options", "options.none": "This API has no options.", "option.optional": "unchanged",
  "key.title": "Credentials", "key.jd.key": "Access key", "key.jd.secret": "Secret key", "key.aidge.key": "App key", "key.aidge.secret": "App secret",
  "key.api": "API key", "key.kept": "Kept in this tab until you close it, and sent to this service only.",
  "key.demo": "The demo account of this local cloud.", "key.useDemo": "Use the demo account",
  "key.missing": "Enter your credentials first.", "key.secure": "Signing needs a secure page: open it over https or as localhost.",
  "go": "Cut out", "status.noPicture": "Choose a picture first.", "status.fitting": "Preparing the picture…", "status.sending": "Waiting for the answer…",
  "status.task": "Task {id}: {state}", "state.0": "queued", "state.2": "being prepared", "state.3": "waiting", "state.4": "being worked on",
  "status.loading": "Fetching the result…", "status.done": "Done in {ms} ms.", "status.failed": "That did not work.",
  "status.fitted": "Sent as {width} × {height} JPEG, {size}, to fit this API.", "status.sent": "{width} × {height}, {size}.",
  "status.large": "Too large for one call: it goes straight to S3 by an upload ticket.", "status.uploading": "Uploading straight to S3…", "status.progress": "Share uploaded",
  "result.title": "Result", "result.empty": "Choose a picture or a sample, then press “Cut out”.", "result.after": "Picture without its background", "result.before": "Original picture",
  "tool.background": "Background", "tool.checkered": "Transparent", "tool.white": "White", "tool.grey": "Grey", "tool.black": "Black", "tool.colour": "Another colour",
  "tool.zoom": "Zoom", "tool.zoomIn": "Zoom in", "tool.zoomOut": "Zoom out", "tool.download": "Download",
  "compare.before": "Before", "compare.after": "After", "compare.label": "Share of the original shown",
  "mend.open": "Mend", "mend.title": "Brush", "mend.keep": "Keep", "mend.remove": "Remove", "mend.size": "Size of the brush", "mend.undo": "Undo", "mend.apply": "Apply",
  "mend.canvas": "Brush: arrows move it, space draws", "mend.sending": "Mending…", "mend.done": "Mended: version {version}, {changed} % changed.", "mend.failed": "Not mended: {why}",
  "layers.title": "Layers", "layers.image": "Cut-out", "layers.mask": "Mask", "layers.absent": "Not in this picture: {names}", "list.join": ", ",
  "facts.title": "This call", "facts.status": "HTTP status", "facts.upload": "Upload to S3", "facts.trip": "Round trip", "facts.service": "In the service", "facts.charge": "Charge",
  "facts.charge.unit": "by the account's prices", "facts.charge.none": "not charged", "facts.charge.unknown": "on completion", "facts.size": "Result", "facts.answer": "The raw answer",
  "stage.gate": "Key, rate, quota", "stage.parse": "Request", "stage.fetch": "Fetching", "stage.decode": "Decoding", "stage.classes": "Garment network",
  "stage.network": "Network", "stage.refine": "Edges", "stage.foreground": "Edge colours", "stage.garments": "Garments", "stage.stamp": "Stamp", "stage.compose": "Composing",
  "stage.encode": "Encoding", "stage.store": "Storing", "stage.note": "Record", "stage.accept": "Starting the task", "stage.settle": "Charge",
  "code.title": "The same from your code", "code.copy": "Copy", "code.copied": "Copied",
  "code.note": "Key and secret stand for your own: put those in.", "code.note.demo": "Ready to run: these are the demo account's keys.",
  "code.note.changed": "{file} is a copy that the page made to fit the API.",
  "footer": "Pictures stay in this AWS account and are deleted after the days that its operator has set. Cutline is free software under the Apache licence 2.0.",
  "fault.title": "No result", "fault.network": "The service could not be reached.", "fault.result": "The result could not be fetched.",
  "fault.start": "The service did not send this page its options. Reload the page in a moment.",
  "fault.upload": "The upload to S3 did not go through. Where the deployment's UploadOrigins names pages, it has to name this one too.",
  "fault.access": "The service does not know these credentials, or they may not call this API. Check step 4.",
  "fault.date": "Your computer's clock is wrong: signatures are valid for a few minutes only.",
  "fault.quota": "Today's quota of this account is used up.", "fault.rate": "Too many calls at once. Wait a second and try again.",
  "fault.request": "The service does not accept the request or one of its options.",
  "fault.size": "The picture has too many or too few pixels or bytes for this API.", "fault.type": "The API does not accept this type of picture.",
  "fault.subject": "Nothing to cut out was found in this picture.", "fault.person": "No person was found: this API cuts out people only.",
  "fault.garment": "None of the garments was found in this picture.", "fault.fetch": "The picture's address could not be fetched.",
  "fault.service": "The service failed. Try again; nothing was charged.", "fault.time": "The service took too long. Try a smaller picture.",
};

const ZH = {
  "nav.label": "网站", "nav.reference": "API 文档", "nav.language": "语言",
  "title": "Cutline 试用页",
  "hero.title": "用自己的 AWS 账户抠商品图",
  "hero.text": "选一张图片，选您的店铺正在调用的 API，看看返回什么。上线只需更换域名和密钥。",
  "picture.title": "图片", "picture.drop": "拖入、粘贴或选择一张图片", "picture.private": "图片只发送到本服务。",
  "picture.samples": "示例", "picture.unreadable": "浏览器无法打开这个文件，请使用 JPEG、PNG 或 WebP 图片。",
  "sample.mug": "杯子", "sample.person": "人物", "sample.shirt": "上衣",
  "api.title": "API",
  "options.title": "选项", "options.none": "这个 API 没有选项。", "option.optional": "保持不变",
  "key.title": "凭证", "key.jd.key": "Access Key", "key.jd.secret": "Secret Key", "key.aidge.key": "App Key", "key.aidge.secret": "App Secret",
  "key.api": "API 密钥", "key.kept": "只保存在这个标签页里，关闭即清除；只发送到本服务。",
  "key.demo": "本地云的演示账户。", "key.useDemo": "使用演示账户",
  "key.missing": "请先填写凭证。", "key.secure": "签名需要安全的页面：请用 https 或 localhost 打开。",
  "go": "开始抠图", "status.noPicture": "请先选择一张图片。", "status.fitting": "正在准备图片……", "status.sending": "正在等待返回……",
  "status.task": "任务 {id}：{state}", "state.0": "排队中", "state.2": "准备中", "state.3": "等待中", "state.4": "处理中",
  "status.loading": "正在取回结果……", "status.done": "完成，用时 {ms} 毫秒。", "status.failed": "没有成功。",
  "status.fitted": "为符合此 API 的限制，已按 {width} × {height} JPEG（{size}）发送。", "status.sent": "{width} × {height}，{size}。",
  "status.large": "超出单次调用的大小，将凭上传凭证直接传到 S3。", "status.uploading": "正在直接上传到 S3……", "status.progress": "上传进度",
  "result.title": "结果", "result.empty": "选择一张图片或示例，然后点击“开始抠图”。", "result.after": "去除背景后的图片", "result.before": "原图",
  "tool.background": "背景", "tool.checkered": "透明", "tool.white": "白色", "tool.grey": "灰色", "tool.black": "黑色", "tool.colour": "其他颜色",
  "tool.zoom": "缩放", "tool.zoomIn": "放大", "tool.zoomOut": "缩小", "tool.download": "下载",
  "compare.before": "处理前", "compare.after": "处理后", "compare.label": "显示原图的比例",
  "mend.open": "修补", "mend.title": "画笔", "mend.keep": "保留", "mend.remove": "去除", "mend.size": "画笔大小", "mend.undo": "撤销", "mend.apply": "应用",
  "mend.canvas": "画笔：方向键移动，空格键绘制", "mend.sending": "正在修补……", "mend.done": "已修补：第 {version} 版，改变了 {changed}%。", "mend.failed": "未能修补：{why}",
  "layers.title": "图层", "layers.image": "抠图", "layers.mask": "蒙版", "layers.absent": "图中没有：{names}", "list.join": "、",
  "facts.title": "本次调用", "facts.status": "HTTP 状态", "facts.upload": "上传到 S3", "facts.trip": "往返时间", "facts.service": "服务内时间", "facts.charge": "计费",
  "facts.charge.unit": "按账户价格", "facts.charge.none": "未计费", "facts.charge.unknown": "完成时计费", "facts.size": "结果", "facts.answer": "原始返回",
  "stage.gate": "密钥与配额", "stage.parse": "解析请求", "stage.fetch": "取图", "stage.decode": "解码", "stage.classes": "服装网络",
  "stage.network": "网络", "stage.refine": "边缘", "stage.foreground": "边缘颜色", "stage.garments": "服装", "stage.stamp": "印章", "stage.compose": "合成",
  "stage.encode": "编码", "stage.store": "存储", "stage.note": "记录", "stage.accept": "启动任务", "stage.settle": "计费",
  "code.title": "用您的代码完成同样的调用", "code.copy": "复制", "code.copied": "已复制",
  "code.note": "密钥是占位符，请换成您自己的。", "code.note.demo": "可直接运行：这里是演示账户的密钥。",
  "code.note.changed": "{file} 是本页面为符合此 API 的限制而制作的副本。",
  "footer": "图片只存放在此 AWS 账户中，并按运营者设定的天数删除。Cutline 是 Apache 2.0 许可的自由软件。",
  "fault.title": "没有结果", "fault.network": "无法连接到服务。", "fault.result": "无法取回结果。",
  "fault.start": "服务没有返回本页面所需的选项，请稍后刷新页面。",
  "fault.upload": "未能上传到 S3。如果部署参数 UploadOrigins 限定了页面，也必须包含本页面。",
  "fault.access": "服务不认识这组凭证，或者它们无权调用此 API。请检查第 4 步。",
  "fault.date": "您电脑的时钟不准：签名只在几分钟内有效。",
  "fault.quota": "此账户今天的配额已用完。", "fault.rate": "调用过于频繁，请稍等一秒再试。",
  "fault.request": "服务无法理解这个请求或其中某个选项。",
  "fault.size": "图片的像素或字节数超出此 API 的范围。", "fault.type": "这不是此 API 接受的图片类型。",
  "fault.subject": "图中没有找到可以抠出的主体。", "fault.person": "没有找到人物：此 API 只抠人像。",
  "fault.garment": "图中没有找到这些服饰。", "fault.fetch": "无法下载该地址的图片。",
  "fault.service": "服务自身出现故障，请重试；本次未计费。", "fault.time": "服务用时过长，请换一张小一些的图片。",
};

// The message (`fault.*`) for each reason of the service (`cutline.errors.Reason`).
const FAULTS = {
  access: ["key_missing", "key_unknown", "signature_missing", "signature_wrong", "nonce_replayed", "account_disabled", "api_not_allowed"],
  date: ["date_missing", "date_malformed", "date_skewed"],
  quota: ["quota_exceeded"],
  rate: ["rate_exceeded", "service_rate_exceeded", "overloaded"],
  size: ["image_too_large", "body_too_large", "resolution_too_high", "resolution_too_low", "url_too_large"],
  type: ["image_type", "image_corrupt", "image_empty"],
  subject: ["no_subject"],
  person: ["no_person"],
  garment: ["no_garment"],
  fetch: ["url_unreachable", "backdrop_unreachable"],
  time: ["timed_out"],
  service: ["model_failed", "store_failed", "internal"],
};

export const faultOf = (reason) => Object.keys(FAULTS).find((name) => FAULTS[name].includes(reason)) ?? "request";

const LANGUAGES = { en: EN, zh: ZH };
let language = "en";

export function say(key, values = {}, otherwise = key) {
  const text = LANGUAGES[language][key] ?? EN[key] ?? otherwise;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// One of [English, Chinese].
export const translate = ([english, chinese]) => (language === "zh" ? chinese : english);

// Sets the language, and fills every element that names a text.
export function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = say(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-aria-label]")) node.setAttribute("aria-label", say(node.dataset.i18nAriaLabel));
  for (const name of Object.keys(LANGUAGES)) document.getElementById(`lang-${name}`).setAttribute("aria-pressed", String(name === chosen));
}

export const preferred = () => (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
export { EN, ZH };
