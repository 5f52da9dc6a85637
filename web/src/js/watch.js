// The second screen: the picture as it forms.

import { h, show } from "./dom.js";
import { texts } from "./texts.js";

const t = texts.watch;

/** Shows a run; gives `update(change)`, which takes what a session tells. */
export function watch(onStop) {
  const photo = h("img.under", { alt: "", hidden: true });
  const forming = h("img.forming", { alt: t.picture, hidden: true });
  const easel = h("div.easel.waiting", {}, photo, forming, h("div.shimmer", { "aria-hidden": "true" }));
  const stage = h("p.stage", { role: "status", "aria-live": "polite" });
  const eta = h("p.eta", {});
  const bar = h("progress#progress", { max: 1, "aria-label": t.progress });
  const stop = h("button.secondary", { type: "button", onclick: () => {
    stop.disabled = true;
    onStop();
  } }, t.stop);
  const now = { stage: "admitting", offline: false, progress: null, fraction: 0 };
  let url = null;

  async function showPreview(blob) {
    const next = URL.createObjectURL(blob);
    const picture = new Image();
    picture.src = next;
    try {
      await picture.decode(); // no flicker: the old one stays until the new one is ready
    } catch {
      URL.revokeObjectURL(next);
      return; // a broken preview: the next one comes
    }
    forming.src = next;
    forming.hidden = false;
    easel.classList.remove("waiting");
    if (url) URL.revokeObjectURL(url);
    url = next;
  }

  function draw() {
    const { progress } = now;
    const painting = now.stage === "running";
    const text = texts.stage[now.stage];
    const said = now.offline ? texts.stage.offline
      : now.stage === "uploading" ? text(Math.round(now.fraction * 100))
        : painting ? (progress ? text(progress) : texts.stage.warming) : text;
    // Screen readers hear the stage, not each of a hundred steps.
    stage.setAttribute("aria-live", painting && progress ? "off" : "polite");
    stage.textContent = said;
    eta.textContent = painting && progress && !now.offline ? texts.stage.eta(progress.eta_s) : "";
    if (now.stage === "uploading") bar.value = now.fraction;
    else if (painting && progress) bar.value = progress.step / progress.steps;
    else if (now.stage === "finishing") bar.value = 1;
    else bar.removeAttribute("value");
    stop.disabled ||= now.stage === "stopping" || now.stage === "finishing";
  }

  draw();
  show(
    h("div.watch", {}, easel,
      h("section.card.status", {}, h("h1", {}, t.heading), stage, bar, eta, h("p.hint", {}, t.keep), stop)),
    t.heading,
  );
  return {
    update(change) {
      if (now.stage === "stopping") delete change.stage; // its last steps are not news any more
      Object.assign(now, change);
      if (change.before) {
        photo.src = change.before;
        photo.hidden = false;
      }
      if (change.preview) void showPreview(change.preview);
      draw();
    },
    /** The stop was not taken: it may be tried again. */
    stoppable() {
      now.stage = "running";
      stop.disabled = false;
      draw();
    },
  };
}

