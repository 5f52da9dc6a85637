import { draft, useDraft } from "@/app/studio/draft";
import { useBudget } from "@/features/budget/api/get-budget";
import { sizesOf } from "@/features/budget/lib/price";
import { ParamsForm } from "@/features/params/components/ParamsForm";

/** The parameters, with the sizes that have a price. */
export function Settings() {
  const { params } = useDraft();
  const { data } = useBudget();
  return <ParamsForm params={params} sizes={sizesOf(data)} onChange={(change) => { draft.setParams(change); }} />;
}
