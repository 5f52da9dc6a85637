import type { SchemaStart, SchemaStartRequest } from "@/shared/api/contract";
import { call } from "@/shared/api/http";

/** Start a run whose pictures are uploaded; the same request again finds the same run. */
export const startRun = (body: SchemaStartRequest, signal?: AbortSignal) =>
  call<SchemaStart>("POST", "/api/run-nst", { body, signal });
