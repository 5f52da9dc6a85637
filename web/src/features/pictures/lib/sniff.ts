/** What a file is, by its first bytes: names and declared types lie. */

export type Kind = "jpeg" | "png" | "webp";
/** Files that people try, and that deserve better words than "unknown". */
export type Known = Kind | "gif" | "heic" | "avif" | "svg" | "html" | "pdf" | "video" | "unknown";

export const HEAD_BYTES = 4_096;

const ascii = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.slice(from, to));
const starts = (bytes: Uint8Array, ...marks: number[]) => marks.every((mark, place) => bytes[place] === mark);

/** The kind of a file that begins with these bytes (`HEAD_BYTES` are enough). */
export function sniff(head: Uint8Array): Known {
  if (starts(head, 0xff, 0xd8, 0xff)) return "jpeg";
  if (starts(head, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "png";
  if (ascii(head, 0, 4) === "RIFF" && ascii(head, 8, 12) === "WEBP") return "webp";
  if (ascii(head, 0, 4) === "GIF8") return "gif";
  if (ascii(head, 0, 5) === "%PDF-") return "pdf";
  if (ascii(head, 4, 8) === "ftyp") return brand(ascii(head, 8, 12));
  return markup(new TextDecoder().decode(head));
}

function brand(name: string): Known {
  if (name.startsWith("avi")) return "avif";
  return /^(hei[cxms]|hev[cx]|mif1|msf1)$/.test(name) ? "heic" : "video";
}

function markup(text: string): Known {
  const start = text.trimStart().toLowerCase();
  if (!start.startsWith("<")) return "unknown";
  if (start.includes("<svg")) return "svg";
  return start.startsWith("<!doctype html") || start.includes("<html") || start.includes("<script") ? "html" : "unknown";
}

/** Whether this client takes such a file. */
export const isTaken = (known: Known): known is Kind => known === "jpeg" || known === "png" || known === "webp";
