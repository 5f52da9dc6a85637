import { useQuery } from "@tanstack/react-query";

import type { SchemaBudget } from "@/shared/api/contract";
import { call } from "@/shared/api/http";

const EVERY_MS = 15_000;
const AFTER_TROUBLE_MS = 5_000;
export const BUDGET_KEY = ["budget"];

/** What is left, kept up to date while the page is looked at; `error` is `Problem` or `Offline`. */
export function useBudget() {
  return useQuery({
    queryKey: BUDGET_KEY,
    queryFn: ({ signal }) => call<SchemaBudget>("GET", "/api/budget", { signal, attempts: 2 }),
    refetchInterval: (query) => (query.state.status === "error" ? AFTER_TROUBLE_MS : EVERY_MS),
    networkMode: "always",
  });
}
