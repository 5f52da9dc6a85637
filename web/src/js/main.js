// The page: which screen is shown, and what is known about the budget.

import { Offline, Problem, api } from "./api.js";
import { compose } from "./compose.js";
import { currentRun, recall, setCurrentRun } from "./keep.js";
import { ended, painted } from "./outcome.js";
import { DEFAULTS } from "./params.js";
import { Session } from "./session.js";
import { texts } from "./texts.js";
import { watch } from "./watch.js";

const BUDGET_EVERY_MS = 20_000; // while the doors are closed or nobody answers
const BUDGET_REFUSALS = new Set([402, 429]);

const studio = { order: newOrder(), gallery: [], budget: null, offline: false };
const purse = document.getElementById("purse");
let form = null;
let session = null;
let timer = null;

function newOrder() {
  return { content: null, styles: [], params: { ...DEFAULTS } };
}

function setBudget(budget) {
  studio.budget = budget;
  studio.offline = budget === null;
  purse.textContent = budget ? texts.left(budget) : "";
  form?.refresh();
}

/** Read the budget; again after a while as long as nothing can be painted. */
async function readBudget() {
  clearTimeout(timer);
  try {
    setBudget(await api.budget());
  } catch (error) {
    if (!(error instanceof Offline || error instanceof Problem)) throw error;
    setBudget(null);
  }
  if (form && !studio.budget?.accepting) timer = setTimeout(readBudget, BUDGET_EVERY_MS);
}

function showForm() {
  session?.leave();
  session = null;
  setCurrentRun(null);
  form = compose(studio, (order) => begin((s) => s.paint(order, studio.budget)));
  void readBudget();
}

function showFresh() {
  studio.order = newOrder();
  showForm();
}

/** Show a run until its end. `work(session)` gives the end. */
async function begin(work) {
  form = null;
  session?.leave();
  let screen = null;
  const mine = new Session((change) => screen?.update(change));
  session = mine;
  screen = watch(() => stop(mine, screen));
  if (studio.order.content?.thumb) screen.update({ before: studio.order.content.thumb });
  try {
    finish(mine, await work(mine));
  } catch (error) {
    if (session !== mine) return; // somebody left this screen
    if (error.name === "AbortError") showForm();
    else if (error instanceof Problem && BUDGET_REFUSALS.has(error.status)) showForm();
    else if (error instanceof Problem) ended({ outcome: "failed", problem: error }, { onAgain: showForm });
    else if (error instanceof Offline) ended({ outcome: "failed", problem: { title: texts.offline[0], detail: texts.offline[1] } }, { onAgain: showForm });
    else throw error;
  }
}

async function stop(mine, screen) {
  try {
    await mine.stop();
  } catch (error) {
    if (!(error instanceof Offline || error instanceof Problem)) throw error;
    screen.stoppable();
  }
}

function finish(mine, end) {
  if (session !== mine) return;
  if (end.outcome !== "succeeded") {
    ended(end, { onAgain: showForm });
    void readBudget();
    return;
  }
  const { before, ceiling } = recall(mine.runId);
  const settled = mine.settled().then((result) => {
    setBudget(result.budget);
    return result;
  });
  painted(end, { before, ceiling, settled, onAgain: showForm, onFresh: showFresh });
}

function route() {
  const runId = currentRun();
  if (runId === null) showForm();
  else if (session?.runId !== runId) void begin((s) => s.resume(runId));
}

/** The house styles; none when they cannot be had: own pictures still work. */
async function readGallery() {
  try {
    const answer = await fetch("/gallery.json");
    return answer.ok ? (await answer.json()).styles : [];
  } catch (error) {
    console.warn("gallery", error);
    return [];
  }
}

async function open() {
  document.getElementById("foot").textContent = texts.foot;
  document.getElementById("brand").addEventListener("click", (event) => {
    event.preventDefault();
    showForm();
  });
  // A picture that misses its place must not replace the page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  window.addEventListener("online", () => void readBudget());
  window.addEventListener("hashchange", route);
  studio.gallery = await readGallery();
  route();
}

await open();
