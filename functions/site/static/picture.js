// The chosen picture, and a copy of it that an API's limits admit.

const TYPES = { JPEG: "image/jpeg", PNG: "image/png", BMP: "image/bmp", GIF: "image/gif", WEBP: "image/webp", TIFF: "image/tiff" };
const QUALITIES = [0.92, 0.85, 0.75, 0.6];

export async function openPicture(blob, name) {
  return { blob, name, bitmap: await createImageBitmap(blob) };
}

async function encoded(bitmap, width, height, type, quality) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  // JPEG has no transparency, and the encoder would make it black.
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas.convertToBlob({ type, quality });
}

// { picture, changed }: the picture itself where it fits, or a re-encoded, perhaps smaller, copy.
export async function fitted(picture, limits, maxBytes) {
  const { bitmap, blob } = picture;
  const scale = Math.min(1, limits.max_side_px / Math.max(bitmap.width, bitmap.height));
  const known = limits.formats.some((format) => TYPES[format] === blob.type);
  if (scale === 1 && known && blob.size <= maxBytes) return { picture, changed: false };
  let [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.floor(side * scale)));
  for (;;) {
    for (const quality of QUALITIES) {
      const copy = await encoded(bitmap, width, height, "image/jpeg", quality);
      if (copy.size <= maxBytes) {
        const name = picture.name.replace(/\.[^.]*$/, "") + ".jpg";
        return { picture: await openPicture(copy, name), changed: true };
      }
    }
    [width, height] = [width, height].map((side) => Math.max(1, Math.floor(side * 0.7)));
  }
}
