import "./styles.css";

import { GALLERY } from "@/features/styles/lib/gallery";
import { Icon } from "@/shared/ui/Icon";
import { Thumb } from "@/shared/ui/Thumb";
import { useTexts } from "@/shared/texts/language";

interface Props {
  /** Ids of the house styles that are chosen. */
  chosen: ReadonlySet<string>;
  own: readonly { id: string; name: string; blob: Blob; place: number }[];
  /** How many pictures are being made ready. */
  busy: number;
  onToggle: (id: string) => void;
  onRemove: (place: number) => void;
}

/** House styles to switch on and off, the visitor's own to take away again. */
export function StyleTiles({ chosen, own, busy, onToggle, onRemove }: Props) {
  const t = useTexts().style;
  return (
    <div className="tiles" role="group" aria-label={t.house}>
      {GALLERY.map(({ id, title, thumbnail }) => (
        <button key={id} type="button" className="tile" aria-pressed={chosen.has(id)} onClick={() => { onToggle(id); }}>
          <span className="tile-picture">
            <img src={thumbnail} alt="" width={256} height={256} />
            <span className="tile-mark"><Icon name="check" /></span>
          </span>
          <span className="tile-name">{t.names[id] ?? title}</span>
        </button>
      ))}
      {own.map(({ id, name, blob, place }) => (
        <button key={id} type="button" className="tile" aria-pressed="true" aria-label={t.remove(name)} title={t.remove(name)} onClick={() => { onRemove(place); }}>
          <span className="tile-picture">
            <Thumb picture={blob} />
            <span className="tile-mark"><Icon name="check" /></span>
          </span>
          <span className="tile-name">{name}</span>
        </button>
      ))}
      {Array.from({ length: busy }, (_, place) => <span key={place} className="tile waiting" aria-hidden="true"><span className="tile-picture" /></span>)}
    </div>
  );
}
