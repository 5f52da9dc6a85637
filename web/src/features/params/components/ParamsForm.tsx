import "./params.css";

import { Choices } from "@/features/params/components/Choices";
import { ALGORITHMS, boldness, COLOURS, QUALITIES, SCALES, scalePlace, SEED_MAX, seedOf, SIZES, STRENGTH_MAX, type Params } from "@/features/params/lib/params";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

interface Props {
  params: Params;
  /** The sizes that have a price; empty when that is not known yet. */
  sizes: readonly number[];
  onChange: (change: Partial<Params>) => void;
}

/** Every parameter of a run, each with a plain sentence. */
export function ParamsForm({ params, sizes, onChange }: Props) {
  const t = useTexts().params;
  const offered = [...new Set([...(sizes.length > 0 ? sizes : SIZES), params.size])].sort((a, b) => a - b);
  const instant = params.algorithm === "instant";
  const word = t.strengths[boldness(params.strength)] ?? "";
  const strokes = t.scales[scalePlace(params.style_scale)] ?? "";
  return (
    <section className="card" aria-labelledby="params-heading">
      <h2 id="params-heading">{t.heading}</h2>
      {ALGORITHMS.length > 1 && (
        <Choices
          name="algorithm" legend={t.algorithm} value={params.algorithm} hint={t.algorithms[params.algorithm]?.[1] ?? ""}
          options={ALGORITHMS.map((value) => ({ value, label: t.algorithms[value]?.[0] ?? value }))}
          onChange={(algorithm) => { onChange({ algorithm }); }}
        />
      )}
      {instant ? <p className="hint" role="note">{t.instantHint}</p> : (
        <Choices
          name="quality" legend={t.quality} value={params.quality} hint={t.qualities[params.quality][1] ?? ""}
          options={QUALITIES.map((value) => ({ value, label: t.qualities[value][0] ?? value }))}
          onChange={(quality) => { onChange({ quality }); }}
        />
      )}
      <Choices
        name="size" legend={t.size} value={params.size} hint={t.sizeHint}
        options={offered.map((value) => ({ value, label: String(value) }))}
        onChange={(size) => { onChange({ size }); }}
      />
      <div className="field">
        <label htmlFor="strength" className="field-head"><span>{t.strength}</span> <output htmlFor="strength">{word}</output></label>
        <input
          id="strength" type="range" min={0} max={STRENGTH_MAX} step={0.1} value={params.strength} aria-valuetext={word} aria-describedby="strength-hint"
          onChange={(event) => { onChange({ strength: Number(event.target.value) }); }}
        />
        <p className="hint" id="strength-hint">{t.strengthHint}</p>
      </div>
      <div className="field">
        <label htmlFor="scale" className="field-head"><span>{t.scale}</span> <output htmlFor="scale">{strokes}</output></label>
        <input
          id="scale" type="range" min={0} max={SCALES.length - 1} step={1} value={scalePlace(params.style_scale)} aria-valuetext={strokes} aria-describedby="scale-hint"
          onChange={(event) => { onChange({ style_scale: SCALES[Number(event.target.value)] ?? 1 }); }}
        />
        <p className="hint" id="scale-hint">{t.scaleHint}</p>
      </div>
      <Choices
        name="colours" legend={t.colours} value={params.colours} hint={t.colourings[params.colours][1] ?? ""}
        options={COLOURS.map((value) => ({ value, label: t.colourings[value][0] ?? value }))}
        onChange={(colours) => { onChange({ colours }); }}
      />
      {!instant && (
        <details className="field">
          <summary>{t.more}</summary>
          <label htmlFor="seed" className="unseen">{t.seed}</label>
          <div className="seed">
            <input
              id="seed" type="number" inputMode="numeric" min={0} max={SEED_MAX} step={1} value={params.seed} aria-describedby="seed-hint"
              onChange={(event) => { onChange({ seed: seedOf(event.target.value) }); }}
            />
            <button type="button" className="round" aria-label={t.shuffle} title={t.shuffle} onClick={() => { onChange({ seed: anySeed() }); }}>
              <Icon name="dice" />
            </button>
          </div>
          <p className="hint" id="seed-hint">{t.seedHint}</p>
        </details>
      )}
    </section>
  );
}

const anySeed = () => crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
