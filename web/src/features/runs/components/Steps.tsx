import type { Phase } from "@/features/runs/lib/machine";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

const STEPS = ["uploading", "starting", "checking", "running", "finishing"] as const;

/** What a run goes through, and where it is. */
export function Steps({ phase }: { phase: Phase }) {
  const t = useTexts().steps;
  const at = STEPS.findIndex((step) => step === phase);
  return (
    <ol className="steps">
      {STEPS.map((step, place) => (
        <li key={step} className={place < at ? "done" : place === at ? "now" : "later"} aria-current={place === at ? "step" : undefined}>
          <span className="step-mark">{place < at && <Icon name="check" />}</span>
          {t[step]}
        </li>
      ))}
    </ol>
  );
}
