import { draft } from "@/app/studio/draft";
import { frameOf } from "@/app/run/frame";
import { go, hrefOf } from "@/app/routes";
import { styleName } from "@/app/style-names";
import { Compare } from "@/features/runs/components/Compare";
import { Downloads } from "@/features/runs/components/Downloads";
import { ShareLink } from "@/features/runs/components/ShareLink";
import type { RunSession } from "@/features/runs/lib/session";
import { useObjectUrl } from "@/shared/lib/object-url";
import { useStore } from "@/shared/lib/store";
import { useTexts } from "@/shared/texts/language";
import { Icon } from "@/shared/ui/Icon";

/** The painting, beside its photo where that is on this device. */
export function Painted({ run }: { run: RunSession }) {
  const texts = useTexts();
  const t = texts.result;
  const state = useStore(run.state);
  const blob = useStore(run.result);
  const painting = useObjectUrl(blob);
  // Until the painting is here, the last that was seen of it.
  const preview = useObjectUrl(useStore(run.preview) ?? run.thumb.get());
  const photo = useObjectUrl(run.order?.content.blob);
  const { order } = run;
  const styles = order?.styles.map((style) => styleName(style, texts)).join(" + ");
  const how = order && (order.params.algorithm === "instant" ? texts.params.algorithms.instant : texts.params.qualities[order.params.quality]);
  return (
    <div className="run">
      {painting ? (
        <Compare painting={painting} photo={photo} frame={frameOf(run)} />
      ) : (
        <div className="easel fixed" style={frameOf(run)} aria-busy="true">
          {preview && <img className="forming" src={preview} alt="" />}
          <p className="chip" role="status">{state.offline ? texts.offline.title : t.fetching}</p>
        </div>
      )}
      <section className="card run-card" aria-labelledby="run-heading">
        <h1 id="run-heading">{t.heading}</h1>
        {order && <p>{t.made(styles ?? "", how?.[0] ?? "", order.params.size)}</p>}
        {state.early && <p className="hint">{t.early}</p>}
        {run.ceiling !== null && <p className="hint">{t.most(run.ceiling)}</p>}
        <Downloads picture={blob} url={painting} name={`nst-art-${run.id.slice(0, 8)}`} />
        <ShareLink address={new URL(hrefOf({ screen: "run", id: run.id }), location.href).href} />
        <div className="run-actions">
          {order && (
            <button type="button" id="again" className="secondary" onClick={() => {
              draft.load(order);
              go({ screen: "studio" });
            }}><Icon name="redo" />{t.again}</button>
          )}
          <button type="button" className="quiet" onClick={() => {
            draft.removeContent();
            go({ screen: "studio" });
          }}><Icon name="plus" />{t.fresh}</button>
        </div>
      </section>
    </div>
  );
}
