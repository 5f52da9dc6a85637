import type { SchemaAdmission, SchemaAdmitRequest } from "@/shared/api/contract";
import { call } from "@/shared/api/http";

/** Ask for a run. Nothing is reserved by it, so that a lost answer may be asked for again. */
export const admitRun = (body: SchemaAdmitRequest, signal?: AbortSignal) =>
  call<SchemaAdmission>("POST", "/api/runs", { body, signal });
