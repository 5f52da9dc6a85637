import { frameOf } from "@/app/run/frame";
import { LossCurve } from "@/features/runs/components/LossCurve";
import { Steps } from "@/features/runs/components/Steps";
import { TimeLeft } from "@/features/runs/components/TimeLeft";
import type { RunState } from "@/features/runs/lib/machine";
import type { RunSession } from "@/features/runs/lib/session";
import { useObjectUrl } from "@/shared/lib/object-url";
import { useStore } from "@/shared/lib/store";
import type { Texts } from "@/shared/texts/en";
import { useTexts } from "@/shared/texts/language";
import { Icon } from "@/shared/ui/Icon";

/** The picture as it forms. */
export function Watch({ run }: { run: RunSession }) {
  const t = useTexts().watch;
  const state = useStore(run.state);
  const preview = useObjectUrl(useStore(run.preview));
  const photo = useObjectUrl(run.order?.content.blob);
  const done = progressOf(state);
  return (
    <div className="run">
      <div className="easel fixed" style={frameOf(run)} data-waiting={preview === null || undefined}>
        {photo && <img className="under" src={photo} alt="" />}
        {preview && <img className="forming" src={preview} alt={t.picture} />}
        <span className="shimmer" aria-hidden="true" />
      </div>
      <section className="card run-card" aria-labelledby="run-heading">
        <h1 id="run-heading">{t.heading}</h1>
        {/* Readers hear each stage, not each of a hundred steps. */}
        <p className="stage-said" role="status" aria-live={state.step > 0 ? "off" : "polite"}>{said(state, t)}</p>
        <progress aria-label={t.progress} max={1} {...(done !== null && { value: done })} />
        <p className="stage-more">
          {state.offline ? t.offlineMore : state.phase === "starting" ? t.startingMore : null}
          {state.phase === "running" && state.step > 0 && !state.offline && <>{t.at(state.size)}<TimeLeft etaS={state.etaS} /></>}
        </p>
        <Steps phase={state.phase} />
        {run.order?.params.algorithm !== "instant" && <LossCurve losses={state.losses} />}
        <div className="run-actions">
          <button type="button" className="secondary" disabled={state.stopping || state.phase === "finishing"} onClick={() => { void run.stop(); }}>
            <Icon name="stop" />{state.phase === "uploading" ? t.cancel : t.stop}
          </button>
          <a className="quiet" href="#/">{t.another}</a>
        </div>
        <p className="hint">{t.keep}</p>
      </section>
    </div>
  );
}

/** 0 to 1; null while nobody knows. */
function progressOf({ phase, uploaded, step, steps }: RunState): number | null {
  if (phase === "uploading") return uploaded;
  if (phase === "finishing") return 1;
  return phase === "running" && step > 0 ? step / steps : null;
}

function said(state: RunState, t: Texts["watch"]): string {
  if (state.offline) return t.offline;
  if (state.stopping) return t.stopping;
  switch (state.phase) {
    case "uploading":
      return t.uploading(Math.round(state.uploaded * 100));
    case "running":
      return state.step > 0 ? t.running(state.step, state.steps) : t.warming;
    case "checking":
    case "finishing":
      return t[state.phase];
    default:
      return t.starting;
  }
}
