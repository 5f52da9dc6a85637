/** Whether the built page keeps its budget; prints its sizes. `--json` prints them for a program. */

import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KB = 1_000;
const FIRST_VIEW_MAX = 120 * KB;
const TOTAL_MAX = 180 * KB;

const dist = new URL("../dist/", import.meta.url);
const assets = new URL("assets/", dist);
const page = readFileSync(new URL("index.html", dist), "utf8");
const files = readdirSync(assets)
  .filter((name) => name.endsWith(".js"))
  .map((name) => ({ name, gzip: gzipSync(readFileSync(new URL(name, assets)), { level: 9 }).length, first: page.includes(name) }));
const sum = (of) => of.reduce((bytes, { gzip }) => bytes + gzip, 0);
const sizes = { files, first_view: sum(files.filter(({ first }) => first)), total: sum(files) };

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(sizes));
} else {
  for (const { name, gzip, first } of files) console.log(`${(gzip / KB).toFixed(1).padStart(7)} KB  ${name}${first ? "  (first view)" : ""}`);
  console.log(`${(sizes.first_view / KB).toFixed(1).padStart(7)} KB  first view, of ${FIRST_VIEW_MAX / KB}`);
  console.log(`${(sizes.total / KB).toFixed(1).padStart(7)} KB  in total, of ${TOTAL_MAX / KB}`);
}
if (sizes.first_view === 0) throw new Error("the page loads no script");
if (sizes.first_view > FIRST_VIEW_MAX || sizes.total > TOTAL_MAX) {
  console.error("The page is over its budget of JavaScript (gzip).");
  process.exitCode = 1;
}
