import { frameOf } from "@/app/run/frame";
import { go } from "@/app/routes";
import { draft } from "@/app/studio/draft";
import { reasonDetail, reasonText } from "@/features/runs/lib/reasons";
import type { RunSession } from "@/features/runs/lib/session";
import type { Reason } from "@/shared/api/http";
import { useObjectUrl } from "@/shared/lib/object-url";
import { useTexts } from "@/shared/texts/language";

interface Props {
  /** Null for an address that is no run's. */
  run: RunSession | null;
  phase: "failed" | "cancelled" | "expired";
  problem: Reason | null;
}

/** A run without a painting: why, what is left of it, and the way on. */
export function Ended({ run, phase, problem }: Props) {
  const texts = useTexts();
  const t = texts.ended;
  const left = run?.thumb.get() ?? run?.preview.get() ?? null;
  const picture = useObjectUrl(left ?? run?.order?.content.blob);
  const detail = problem && reasonDetail(problem);
  return (
    <div className={`run ended ${phase}`}>
      {run && (left ?? run.order) && (
        <div className="easel fixed" style={frameOf(run)}>
          {picture && <img className={left ? "forming" : "under"} src={picture} alt="" />}
        </div>
      )}
      <section className="card run-card" aria-labelledby="run-heading">
        <h1 id="run-heading">{t[phase]}</h1>
        {phase === "failed" && <p role="alert">{problem ? reasonText(problem, texts) : texts.problems.other}</p>}
        {detail && <p>{t.said} <q lang="en">{detail}</q></p>}
        <p className="hint">{t[`${phase}Hint`]}</p>
        {phase === "expired" && left && <p className="hint">{t.expiredKept}</p>}
        <div className="run-actions">
          <button type="button" id="again" className="primary" onClick={() => {
            if (run?.order) draft.load(run.order);
            go({ screen: "studio" });
          }}>{run?.order ? t.again : texts.result.fresh}</button>
        </div>
      </section>
    </div>
  );
}
