import type { SchemaRun } from "@/shared/api/contract";
import { call, Problem } from "@/shared/api/http";

/** How a run stands; null when it is not known: not started yet, or never. */
export async function describeRun(runId: string, signal?: AbortSignal): Promise<SchemaRun | null> {
  try {
    return await call<SchemaRun>("GET", `/api/runs/${runId}`, { signal });
  } catch (error) {
    if (error instanceof Problem && error.reason.status === 404) return null;
    throw error;
  }
}
