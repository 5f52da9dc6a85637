import type { SchemaStop } from "@/shared/api/contract";
import { call } from "@/shared/api/http";

/** Stop a run; may be asked again and again. */
export const stopRun = (runId: string) => call<SchemaStop>("POST", `/api/runs/${runId}/stop`, { body: {} });
