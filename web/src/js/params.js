// The parameters and what they cost at most.

import { fill, h } from "./dom.js";
import { texts } from "./texts.js";

const SEED_MAX = 2 ** 31 - 1;

export const DEFAULTS = Object.freeze({
  algorithm: "painted", size: 512, quality: "good", strength: 1, keep_colours: false, seed: 0,
});

/** The most that a run with these parameters costs, by the budget view; null when not known. */
export function ceilingOf(params, budget) {
  const sizes = budget?.ceilings_microusd?.[params.quality];
  if (!sizes) return budget?.run_ceiling_microusd ?? null;
  // A size between two costs at most what the next one does.
  const size = Object.keys(sizes).map(Number).sort((a, b) => a - b).find((px) => px >= params.size);
  return sizes[size] ?? null;
}

/** The sizes that have a price, and the chosen one. */
function sizesOf(params, budget) {
  const priced = Object.values(budget?.ceilings_microusd ?? {}).flatMap((sizes) => Object.keys(sizes).map(Number));
  return [...new Set([...priced, params.size])].sort((a, b) => a - b);
}

/**
 * The controls: `fields`, and `offer(budget)`, which offers the sizes that have a price there.
 * `onChange` is called after `params` has changed.
 */
export function paramsForm(params, onChange) {
  const t = texts.params;
  const set = (name, value) => {
    params[name] = value;
    onChange();
  };
  const qualities = Object.entries(t.qualities).map(([quality, [title, hint]]) =>
    h("label.choice", {},
      h("input", {
        type: "radio", name: "quality", value: quality, checked: params.quality === quality,
        onchange: () => set("quality", quality),
      }),
      h("span", {}, h("strong", {}, title), h("small", {}, hint))));
  const size = h("select#size", { onchange: (event) => set("size", Number(event.target.value)) });
  function offer(budget) {
    const sizes = sizesOf(params, budget);
    if (sizes.length === size.options.length) return; // an open list stays open
    fill(size, ...sizes.map((px) => h("option", { value: px, selected: px === params.size }, t.sizeOf(px))));
  }
  const boldness = h("output", { for: "strength" }, t.strengthOf(params.strength));
  const strength = h("input#strength", {
    type: "range", min: 0, max: 2, step: 0.1, value: params.strength,
    oninput: (event) => {
      set("strength", Number(event.target.value));
      boldness.textContent = t.strengthOf(params.strength);
      strength.setAttribute("aria-valuetext", boldness.textContent);
    },
  });
  const seed = h("input#seed", {
    type: "number", min: 0, max: SEED_MAX, step: 1, value: params.seed, inputmode: "numeric", "aria-describedby": "seed-hint",
    onchange: (event) => {
      const value = Math.min(SEED_MAX, Math.max(0, Math.round(Number(event.target.value) || 0)));
      event.target.value = value;
      set("seed", value);
    },
  });
  const fields = [
    h("fieldset.field", {}, h("legend", {}, t.quality), h("div.choices", {}, ...qualities)),
    h("div.field", {}, h("label", { for: "size" }, t.size), size),
    h("div.field", {}, h("label.split", { for: "strength" }, t.strength, boldness), strength),
    h("label.check", {},
      h("input", {
        type: "checkbox", checked: params.keep_colours,
        onchange: (event) => set("keep_colours", event.target.checked),
      }), t.keepColours),
    h("details.field", {}, h("summary", {}, t.more),
      h("div.field", {}, h("label", { for: "seed" }, t.seed), seed, h("small#seed-hint", {}, t.seedHint))),
  ];
  return { fields, offer };
}
