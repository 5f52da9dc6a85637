import "./shelf.css";

import { styleName } from "@/app/style-names";
import { hrefOf } from "@/app/routes";
import { RunThumb } from "@/features/runs/components/RunThumb";
import type { RunSession } from "@/features/runs/lib/session";
import { runs, useOwnRuns } from "@/features/runs/lib/shelf";
import { useStore } from "@/shared/lib/store";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

/** This visitor's paintings, the ones being painted among them; all but the one that is shown. */
export function Shelf({ except }: { except?: string }) {
  const t = useTexts().shelf;
  const own = useOwnRuns().filter((run) => run.id !== except);
  if (own.length === 0) return null;
  return (
    <section className="shelf" aria-labelledby="shelf-heading">
      <div className="card-head">
        <h2 id="shelf-heading">{t.heading}</h2>
        <p className="hint">{t.hint}</p>
      </div>
      <ul>
        {own.map((run) => <ShelfItem key={run.id} run={run} />)}
      </ul>
    </section>
  );
}

function ShelfItem({ run }: { run: RunSession }) {
  const texts = useTexts();
  const t = texts.shelf;
  const state = useStore(run.state);
  const name = run.order?.styles.map((style) => styleName(style, texts)).join(" + ") ?? "";
  return (
    <li>
      <a href={hrefOf({ screen: "run", id: run.id })} title={t.open(name, run.createdAt)}>
        <RunThumb run={run} />
        <span className="shelf-name">{name}</span>
        <span className="shelf-state">{t.states[state.phase]}{state.phase === "running" && state.steps > 0 ? ` ${Math.floor((100 * state.step) / state.steps)} %` : ""}</span>
      </a>
      <button type="button" className="round" aria-label={t.forget(t.open(name, run.createdAt))} title={t.forget(name)} onClick={() => { void runs.forget(run); }}>
        <Icon name="close" />
      </button>
    </li>
  );
}
