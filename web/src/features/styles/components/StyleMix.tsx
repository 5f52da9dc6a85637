import { percentages, SHARE_MIN } from "@/features/styles/lib/mix";
import { Icon } from "@/shared/ui/Icon";
import { Thumb } from "@/shared/ui/Thumb";
import { useTexts } from "@/shared/texts/language";

interface Props {
  styles: readonly { key: string; name: string; picture: string | Blob | null; share: number }[];
  onShare: (place: number, share: number) => void;
  onRemove: (place: number) => void;
}

/** How much of each style goes into the mix. */
export function StyleMix({ styles, onShare, onRemove }: Props) {
  const t = useTexts().style;
  const parts = percentages(styles.map((style) => style.share));
  return (
    <div className="mix" role="group" aria-label={t.mix}>
      {styles.map(({ key, name, picture, share }, place) => (
        <div key={key} className="mix-row">
          <Thumb picture={picture} />
          <label>
            <span className="mix-name">{name}</span>
            <input
              type="range" min={SHARE_MIN} max={1} step={0.05} value={share}
              aria-label={t.share(name)} aria-valuetext={`${parts[place] ?? 0} %`}
              onChange={(event) => { onShare(place, Number(event.target.value)); }}
            />
          </label>
          <output className="mix-part">{parts[place]} %</output>
          <button type="button" className="round" aria-label={t.remove(name)} title={t.remove(name)} onClick={() => { onRemove(place); }}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
