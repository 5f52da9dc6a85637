// Choosing pictures: drop, paste or click.

import { h } from "./dom.js";
import { texts } from "./texts.js";
import { contentType, small } from "./upload.js";

const ACCEPT = "image/jpeg,image/png,image/webp";

/** A file as the page keeps it: `{ blob, name, type, thumb }`; null after telling why not. */
export async function take(file, complain) {
  const type = await contentType(file);
  if (!type) {
    complain(texts.unknownPicture(file.name));
    return null;
  }
  return { blob: file, name: file.name, type, thumb: await small(file) };
}

/**
 * A place to drop pictures on, which is also a button that opens the file chooser.
 * `inside` is what it shows; `onFiles` gets a list of files.
 */
export function dropzone({ id, label, multiple = false, onFiles }, ...inside) {
  const input = h("input.unseen", {
    id, type: "file", accept: ACCEPT, multiple, "aria-label": label,
    onchange: (event) => {
      const files = [...event.target.files];
      event.target.value = ""; // the same file may be chosen again
      if (files.length) onFiles(files);
    },
  });
  const zone = h("label.drop", { for: id }, input, ...inside);
  let depth = 0; // dragenter and dragleave also come from the children
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle("over", depth > 0);
  };
  zone.addEventListener("dragenter", () => mark(1));
  zone.addEventListener("dragleave", () => mark(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark(0);
    const files = [...event.dataTransfer.files].slice(0, multiple ? undefined : 1);
    if (files.length) onFiles(files);
  });
  return zone;
}

/** A picture file as an image, or its name when the browser cannot show it. */
export function thumbnail(picture, alt) {
  if (picture.thumb) return h("img", { src: picture.thumb, alt });
  return h("span.nothumb", {}, h("strong", {}, picture.name), texts.noPreview);
}
