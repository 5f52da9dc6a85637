import { draft } from "@/app/studio/draft";
import { FilePick } from "@/features/pictures/components/FilePick";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

const SAMPLES = ["cat", "coffee"] as const;

/** The easel without a photo: what this page does, at a glance, and where to begin. */
export function Welcome() {
  const texts = useTexts();
  const t = texts.welcome;
  const take = ([file]: File[]) => {
    if (file) void draft.setContent(file);
  };
  return (
    <section className="welcome" aria-labelledby="welcome">
      <div className="welcome-words">
        <h1 id="welcome">{t.title}</h1>
        <p className="lead">{t.lead}</p>
      </div>
      <div className="showcase" aria-hidden="true">
        <img className="showcase-after" src="/samples/cat-oil-swirls.jpg" alt="" width={768} height={511} fetchPriority="high" />
        <img className="showcase-before" src="/samples/cat.jpg" alt="" width={768} height={511} />
        <span className="tag left">{t.before}</span>
        <span className="tag right">{t.after}</span>
      </div>
      <div className="begin">
        <p className="drop-here mouse-only"><Icon name="photo" /><strong>{t.drop}</strong> <span>{t.orPaste}</span></p>
        <div className="begin-buttons">
          <FilePick id="photo" className="primary" onFiles={take}>{t.choose}</FilePick>
          <FilePick className="secondary touch-only" camera onFiles={take}><Icon name="camera" />{t.camera}</FilePick>
        </div>
        <div className="samples">
          <span>{t.samples}</span>
          {SAMPLES.map((name) => (
            <button key={name} type="button" className="sample" onClick={() => { void takeSample(name); }}>
              <img src={`/samples/${name}-thumb.jpg`} alt="" width={60} height={40} />
              {t.sample[name]}
            </button>
          ))}
        </div>
      </div>
    </section>
  );
}

/** A picture of ours, taken as if it had been chosen. */
async function takeSample(name: string): Promise<void> {
  const answer = await fetch(`/samples/${name}.jpg`).catch(() => null);
  if (answer?.ok) await draft.setContent(new File([await answer.blob()], `${name}.jpg`));
}
