/** Runs that are kept on this device: to go on with them after a reload, and as the visitor's shelf. */

import type { RunState } from "@/features/runs/lib/machine";
import type { Order } from "@/features/runs/lib/order";
import type { Cursor } from "@/features/runs/lib/transport";
import { readAll, remove, write } from "@/shared/lib/database";

export const RECORDS_MAX = 30;

export interface RunRecord {
  id: string;
  order: Order;
  createdAt: number;
  ceiling: number | null;
  state: RunState;
  cursor: Cursor;
  /** The API has said that it is started. */
  confirmed: boolean;
  thumb: Blob | null;
}

export const keep = (record: RunRecord) => write("runs", record.id, record);
export const forget = (id: string) => remove("runs", id);

/** The kept runs, newest first; the oldest beyond the most are forgotten. */
export async function kept(): Promise<RunRecord[]> {
  const records = (await readAll<RunRecord>("runs")).sort((a, b) => b.createdAt - a.createdAt);
  for (const { id } of records.slice(RECORDS_MAX)) await forget(id);
  return records.slice(0, RECORDS_MAX);
}
