// The first screen: two pictures, the parameters, the price, and the button.

import { fill, h, notice, show } from "./dom.js";
import { ceilingOf, paramsForm } from "./params.js";
import { dropzone, take, thumbnail } from "./picker.js";
import { texts } from "./texts.js";

const STYLES_MAX = 4;

/**
 * `studio`: `{ order, gallery, budget }`, which outlives the screen, so that "paint again" finds
 * everything as it was. `onRun` is called with the order. Gives `{ refresh }`, to be called when the
 * budget has changed.
 */
export function compose(studio, onRun) {
  const { order } = studio;
  const complaint = h("p.complaint", { role: "alert", hidden: true });
  const contentPlace = h("div.contentplace", {});
  const chosenPlace = h("ul.chosen", {});
  const addPlace = h("div", {});
  const housePlace = h("div.house", { role: "group", "aria-label": texts.house.heading });
  const closedPlace = h("div", {});
  const price = h("p.price", {});
  const hint = h("p.hint#runhint", { role: "status" });
  const button = h("button.primary#run", { type: "button", "aria-describedby": "runhint", onclick: () => onRun(order) }, texts.run);

  const how = paramsForm(order.params, refresh);

  function complain(text) {
    complaint.textContent = text ?? "";
    complaint.hidden = !text;
  }

  async function setContent([file]) {
    complain(null);
    order.content = (await take(file, complain)) ?? order.content;
    drawContent();
    refresh();
  }

  async function addStyles(files) {
    complain(null);
    for (const file of files) {
      if (order.styles.length >= STYLES_MAX) {
        complain(texts.style.full);
        break;
      }
      const picture = await take(file, complain);
      if (picture) order.styles.push({ file: picture, weight: 1 });
    }
    drawStyles();
    refresh();
  }

  function toggleHouse(id) {
    complain(null);
    const place = order.styles.findIndex((style) => style.gallery === id);
    if (place >= 0) order.styles.splice(place, 1);
    else if (order.styles.length >= STYLES_MAX) complain(texts.style.full);
    else order.styles.push({ gallery: id, weight: 1 });
    drawStyles();
    refresh();
  }

  function drawContent() {
    const inside = order.content
      ? [thumbnail(order.content, texts.content.heading), h("span.change", {}, texts.content.change)]
      : [h("strong", {}, texts.content.drop), h("small", {}, texts.content.hint)];
    const zone = dropzone({ id: "content", label: texts.content.drop, onFiles: setContent }, ...inside);
    zone.classList.toggle("filled", Boolean(order.content));
    fill(contentPlace, zone);
  }

  function drawStyles() {
    fill(chosenPlace, ...order.styles.map(chosenStyle));
    chosenPlace.hidden = order.styles.length === 0;
    fill(addPlace, order.styles.length < STYLES_MAX
      ? dropzone({ id: "style", label: texts.style.add, multiple: true, onFiles: addStyles },
        h("strong", {}, texts.style.add), h("small", {}, texts.style.hint))
      : h("p.hint", {}, texts.style.full));
    for (const tile of housePlace.children) {
      tile.setAttribute("aria-pressed", order.styles.some((s) => s.gallery === tile.dataset.id));
    }
  }

  function chosenStyle(style) {
    const house = studio.gallery.find(({ id }) => id === style.gallery);
    const name = house?.title ?? style.file.name;
    return h("li", {},
      house ? h("img", { src: `/gallery/${house.thumbnail}`, alt: "" }) : thumbnail(style.file, ""),
      h("span.name", {}, name),
      order.styles.length > 1
        ? h("input.weight", {
          type: "range", min: 0.1, max: 1, step: 0.05, value: style.weight, "aria-label": texts.style.weight(name),
          oninput: (event) => { style.weight = Number(event.target.value); },
        })
        : null,
      h("button.quiet", {
        type: "button", "aria-label": texts.style.remove(name), title: texts.style.remove(name),
        onclick: () => {
          order.styles.splice(order.styles.indexOf(style), 1);
          drawStyles();
          refresh();
        },
      }, "×"));
  }

  function drawHouse() {
    fill(housePlace, ...studio.gallery.map(({ id, title, thumbnail: file }) =>
      h("button.tile", { type: "button", "data-id": id, "aria-pressed": "false", onclick: () => toggleHouse(id) },
        h("img", { src: `/gallery/${file}`, alt: "", width: 128, height: 128, loading: "lazy" }),
        h("span", {}, title))));
  }

  /** The price, and whether the button may be pressed; again when the budget has changed. */
  function refresh() {
    const { budget } = studio;
    how.offer(budget);
    const most = ceilingOf(order.params, budget);
    const dear = budget !== null && most !== null && most > budget.available_microusd;
    const closed = budget !== null && !budget.accepting;
    fill(price, most === null ? "" : texts.costs(most));
    fill(closedPlace,
      closed ? notice("closed", (texts.closed[budget.reason] ?? texts.closed.other)(budget)) : null,
      studio.offline ? notice("offline", texts.offline) : null);
    const why = closed || studio.offline ? ""
      : !order.content ? texts.missingContent
        : order.styles.length === 0 ? texts.missingStyle
          : dear ? texts.tooDear : null;
    button.disabled = why !== null;
    hint.textContent = why ?? texts.costsHint;
  }

  drawHouse();
  drawContent();
  drawStyles();
  refresh();
  show(
    h("div.compose", {},
      h("div.hero", {}, h("h1", {}, texts.title), h("p", {}, texts.lead)),
      closedPlace,
      h("section.card.photo", {}, h("h2", {}, texts.content.heading), contentPlace),
      h("section.card.manner", {}, h("h2", {}, texts.style.heading), chosenPlace, housePlace, addPlace),
      h("section.card.how", {}, h("h2", {}, texts.params.heading), ...how.fields),
      h("div.runbar", {}, complaint, h("div.runline", {}, price, button), hint)),
  );
  return { refresh };
}
