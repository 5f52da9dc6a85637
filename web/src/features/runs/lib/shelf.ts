/** The runs that this window knows: those kept on this device, new ones, and those of links. */

import { admitRun } from "@/features/runs/api/admit-run";
import { isOver } from "@/features/runs/lib/machine";
import { askedStyles, type Order } from "@/features/runs/lib/order";
import { kept } from "@/features/runs/lib/records";
import { RunSession } from "@/features/runs/lib/session";
import { Store, useStore } from "@/shared/lib/store";

const RUN_ID = /^[0-9a-f]{32}$/;

class Runs {
  /** Of this visitor, newest first. */
  readonly own = new Store<readonly RunSession[]>([]);
  readonly #shared = new Map<string, RunSession>();
  readonly ready: Promise<void>;

  constructor() {
    this.ready = this.#recall();
  }

  /** Ask for a run and begin it; throws `Problem` or `Offline` when it is not admitted. */
  async begin(order: Order): Promise<RunSession> {
    const admission = await admitRun({ content: { content_type: "image/jpeg" }, styles: askedStyles(order.styles) });
    const session = RunSession.begin(admission, order);
    this.own.set([session, ...this.own.get()]);
    return session;
  }

  /** The run of this id, followed from now on; null for what is no run id. */
  open(id: string): RunSession | null {
    if (!RUN_ID.test(id)) return null;
    const known = this.own.get().find((run) => run.id === id) ?? this.#shared.get(id);
    if (known) {
      if (known.state.get().phase === "succeeded" && !known.result.get()) known.resume();
      return known;
    }
    const session = new RunSession(id, null);
    this.#shared.set(id, session);
    session.resume();
    return session;
  }

  /** Take a run off the shelf. */
  async forget(session: RunSession): Promise<void> {
    this.own.set(this.own.get().filter((run) => run !== session));
    await session.leave();
  }

  async #recall(): Promise<void> {
    const sessions = (await kept()).map((record) => new RunSession(record.id, record));
    this.own.set([...this.own.get(), ...sessions]);
    for (const session of sessions) if (!isOver(session.state.get())) session.resume();
  }
}

export const runs = new Runs();

/** This visitor's runs, newest first. */
export const useOwnRuns = () => useStore(runs.own);
