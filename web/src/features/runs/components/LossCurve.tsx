import { curvePoints, HEIGHT, WIDTH } from "@/features/runs/lib/curve";
import type { Loss } from "@/features/runs/lib/machine";
import { useTexts } from "@/shared/texts/language";

/** How the loss falls. */
export function LossCurve({ losses }: { losses: readonly Loss[] }) {
  const t = useTexts().watch;
  const now = losses.at(-1)?.loss.toPrecision(3) ?? "";
  return (
    <details className="curve">
      <summary>{t.curve}<span className="curve-now">{now && ` ${now}`}</span></summary>
      <svg viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`} role="img" aria-label={t.curveAlt(now)} preserveAspectRatio="none">
        <polyline points={curvePoints(losses)} />
      </svg>
    </details>
  );
}
