import { useBudget } from "@/features/budget/api/get-budget";
import { Problem } from "@/shared/api/http";
import { Notice } from "@/shared/ui/Notice";
import { useTexts } from "@/shared/texts/language";

/** Why nothing can be started right now, and what can still be done; nothing when all is well. */
export function BudgetNotice() {
  const texts = useTexts();
  const { data, error, refetch } = useBudget();
  if (error) {
    const { status, state } = error instanceof Problem ? error.reason : { status: 0, state: "" };
    const t = status === 0 ? texts.offline : status !== 429 ? texts.trouble : state === "open" ? texts.busy : texts.crowded;
    return (
      <Notice kind={status === 0 ? "offline" : "trouble"} title={t.title}>
        <p>{t.text}</p>
        <button type="button" className="secondary" onClick={() => { void refetch(); }}>{texts.retry}</button>
      </Notice>
    );
  }
  if (!data || data.accepting) return null;
  const { closed } = texts;
  const reason = data.reason ?? "other";
  const { title, text } = (reason in closed && reason !== "still" ? closed[reason as Exclude<keyof typeof closed, "still">] : closed.other)(data);
  return (
    <Notice kind="closed" title={title}>
      <p>{text}</p>
      <p>{closed.still}</p>
    </Notice>
  );
}
