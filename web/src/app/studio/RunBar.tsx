import { useMutation, useQueryClient } from "@tanstack/react-query";

import { go } from "@/app/routes";
import { useDraft, type Draft } from "@/app/studio/draft";
import { BUDGET_KEY, useBudget } from "@/features/budget/api/get-budget";
import { ceilingOf, verdict, type Verdict } from "@/features/budget/lib/price";
import { reasonText } from "@/features/runs/lib/reasons";
import { runs } from "@/features/runs/lib/shelf";
import { Offline, Problem } from "@/shared/api/http";
import type { Texts } from "@/shared/texts/en";
import { useTexts } from "@/shared/texts/language";

/** What it costs at most, and the button. */
export function RunBar() {
  const texts = useTexts();
  const t = texts.run;
  const chosen = useDraft();
  const { data, error } = useBudget();
  const queries = useQueryClient();
  const begin = useMutation({
    networkMode: "always",
    mutationFn: ({ content, styles, params }: Draft) => {
      if (!content) throw new Error("the button is disabled without a photo");
      return runs.begin({ content, styles: [...styles], params });
    },
    onSuccess: ({ id }) => { go({ screen: "run", id }); },
    onSettled: () => queries.invalidateQueries({ queryKey: BUDGET_KEY }),
  });
  const most = ceilingOf(chosen.params, data);
  const why = missing(chosen, error ? "closed" : verdict(chosen.params, data), t);
  const refused = begin.error ? refusal(begin.error, texts) : null;
  return (
    <div className="runbar">
      {refused && <p className="refusal" role="alert">{refused}</p>}
      <div className="runline">
        <p className="price">
          {most !== null && <><strong>{t.most(most)}</strong><span className="hint">{t.free}</span></>}
        </p>
        <button
          type="button" id="run" className="primary" aria-describedby="run-hint"
          disabled={why !== null || begin.isPending} onClick={() => { begin.mutate(chosen); }}
        >
          {begin.isPending ? t.asking : t.paint}
        </button>
      </div>
      <p id="run-hint" className="hint" role="status">{why ?? ""}</p>
    </div>
  );
}

/** Why the button cannot be pressed; null when it can. */
function missing({ content, pending, styles, pendingStyles }: Draft, money: Verdict, t: Texts["run"]): string | null {
  if (money === "closed") return t.closed;
  if (!content && !pending) return t.missingPhoto;
  if (styles.length === 0 && pendingStyles === 0) return t.missingStyle;
  if (pending || pendingStyles > 0) return t.preparing;
  return money === "dear" ? t.dear : null;
}

function refusal(error: Error, texts: Texts): string {
  if (error instanceof Offline) return texts.offline.text;
  return error instanceof Problem ? reasonText(error.reason, texts) : texts.problems.other ?? "";
}
