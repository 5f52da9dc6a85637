import "./budget.css";

import { useBudget } from "@/features/budget/api/get-budget";
import { useTexts } from "@/shared/texts/language";

/** What is left of the budget, as a bar and in words. */
export function BudgetMeter() {
  const t = useTexts().budget;
  const { data } = useBudget();
  if (!data) return <p className="purse" aria-busy="true"><span className="unseen">{t.loading}</span></p>;
  const share = data.limit_microusd > 0 ? Math.min(1, Math.max(0, data.available_microusd / data.limit_microusd)) : 0;
  return (
    <p className="purse" title={t.hint(data)}>
      <span className="purse-bar" aria-hidden="true"><span style={{ width: `${share * 100}%` }} /></span>
      <span className="purse-text">{t.left(data)}</span>
    </p>
  );
}
