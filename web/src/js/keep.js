// What survives a reload: which run this page shows (in its address) and what its photo looked like.

const KEY = "nst.run";
const RUN_ID = /^#run=([0-9a-f]{32})$/;

/** The run in the page's address, or null. */
export function currentRun() {
  return RUN_ID.exec(location.hash)?.[1] ?? null;
}

/** Put a run into the address (null: none), without a new page in the history. */
export function setCurrentRun(runId) {
  history.replaceState(null, "", runId ? `#run=${runId}` : location.pathname);
}

/** Remember something about a run: `{ before, ceiling, spent, reserved }`. Only the newest is kept. */
export function remember(runId, facts) {
  for (const kept of [{ run_id: runId, ...facts }, { run_id: runId, ...facts, before: null }]) {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
      return;
    } catch {
      // No room, or no storage in a private window: without the photo, or not at all.
    }
  }
}

/** What was remembered about a run; an empty object when that was nothing. */
export function recall(runId) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept?.run_id === runId ? kept : {};
  } catch {
    return {};
  }
}
