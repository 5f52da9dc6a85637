import type { SchemaFreshLinks, SchemaLinks } from "@/shared/api/contract";
import { call } from "@/shared/api/http";

/** Fresh links to what a run has made; `Problem` 404 when its pictures are not kept any more. */
export async function createLinks(runId: string, signal?: AbortSignal): Promise<SchemaLinks> {
  return (await call<SchemaFreshLinks>("POST", `/api/runs/${runId}/links`, { body: {}, signal })).links;
}
