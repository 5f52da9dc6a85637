// The last screen: the painting, or why there is none.

import { fill, h, show } from "./dom.js";
import { texts } from "./texts.js";

/**
 * The painting beside its photo. `end`: of the session; `before`: a data URL or null; `settled`: a
 * promise of `{ budget, cost }`; `ceiling`: micro-dollars or undefined.
 */
export function painted(end, { before, ceiling, settled, onAgain, onFresh }) {
  const t = texts.result;
  const url = URL.createObjectURL(end.picture);
  const money = h("p.cost", { role: "status" }, t.settling);
  const painting = h("img.painting", {
    src: url, alt: t.after,
    // As large as column and window allow, also a small painting: it had that size while it formed.
    onload: () => easel.style.setProperty("--ratio", String(painting.naturalWidth / painting.naturalHeight)),
  });
  const easel = h("div.easel.done", {}, painting);
  if (before) easel.append(...slider(before, easel));
  show(
    h("div.watch", {}, easel,
      h("section.card.status", {},
        h("h1", {}, t.heading),
        end.early ? h("p.hint", {}, t.early) : null,
        money,
        h("a.primary.button#download", { href: url, download: "painting.png" }, t.download),
        h("button.secondary#again", { type: "button", onclick: onAgain }, t.again),
        h("button.link", { type: "button", onclick: onFresh }, t.fresh))),
    t.heading,
  );
  settled.then(
    ({ budget, cost }) => {
      const paid = cost !== null ? t.cost(cost) : ceiling ? t.atMost(ceiling) : "";
      money.textContent = `${paid} ${t.left(budget)}`.trim();
    },
    () => money.remove(), // the page was left, or nobody answers: the painting is here all the same
  );
}

/** The photo over the painting, cut at a line that can be moved. */
function slider(before, easel) {
  const t = texts.result;
  const photo = h("img.photo", { src: before, alt: t.before });
  const line = h("div.line", { "aria-hidden": "true" });
  const range = h("input.slide", {
    type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": t.slider,
    oninput: (event) => easel.style.setProperty("--cut", `${event.target.value}%`),
  });
  easel.style.setProperty("--cut", "50%");
  easel.classList.add("compared");
  return [photo, line, range,
    h("span.tag.left", { "aria-hidden": "true" }, t.before),
    h("span.tag.right", { "aria-hidden": "true" }, t.after)];
}

/** A run that ended otherwise: `failed`, `cancelled` or `unknown`. */
export function ended(end, { onAgain }) {
  const t = texts.ended;
  const { title, detail } = end.problem ?? {};
  const said = {
    failed: [title || t.failed, detail || t.noReason, t.failedHint],
    cancelled: [t.cancelled, t.cancelledHint, ""],
    unknown: [t.unknown, t.unknownHint, ""],
  }[end.outcome];
  const picture = h("div", {});
  if (end.preview) {
    const img = h("img.painting", { src: URL.createObjectURL(end.preview), alt: texts.watch.picture });
    fill(picture, h("div.easel.faded", {}, img));
  }
  show(
    h(`div.ended.${end.outcome}`, {}, picture,
      h("section.card.status", {},
        h("h1", {}, said[0]), h("p", {}, said[1]), said[2] ? h("p.hint", {}, said[2]) : null,
        h("button.primary#again", { type: "button", onclick: onAgain },
          end.outcome === "unknown" ? texts.result.fresh : t.again))),
    said[0],
  );
}
