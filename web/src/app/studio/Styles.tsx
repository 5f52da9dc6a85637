import { draft, useDraft } from "@/app/studio/draft";
import { FilePick } from "@/features/pictures/components/FilePick";
import { StyleMix } from "@/features/styles/components/StyleMix";
import { StyleTiles } from "@/features/styles/components/StyleTiles";
import { STYLES_MAX } from "@/features/styles/lib/mix";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";
import { styleName, stylePicture } from "@/app/style-names";

/** The style: house styles, pictures of one's own, and how they are mixed. */
export function Styles() {
  const texts = useTexts();
  const t = texts.style;
  const { styles, pendingStyles } = useDraft();
  const chosen = styles.map((style) => ({
    key: "gallery" in style ? style.gallery : style.picture.id,
    name: styleName(style, texts),
    picture: stylePicture(style),
    share: style.share,
  }));
  const own = styles.flatMap((style, place) => ("picture" in style ? [{ ...style.picture, place }] : []));
  return (
    <section className="card" aria-labelledby="style-heading" data-drop="style">
      <div className="card-head">
        <h2 id="style-heading">{t.heading}</h2>
        <p className="hint">{t.hint}</p>
      </div>
      <StyleTiles
        chosen={new Set(styles.flatMap((style) => ("gallery" in style ? [style.gallery] : [])))}
        own={own}
        busy={pendingStyles}
        onToggle={(id) => { draft.toggleHouse(id); }}
        onRemove={(place) => { draft.removeStyle(place); }}
      />
      {styles.length + pendingStyles < STYLES_MAX && (
        <FilePick id="style" className="own-style" multiple onFiles={(files) => { void draft.addStyles(files); }}>
          <Icon name="plus" /><strong>{t.own}</strong> <span className="hint">{t.ownHint}</span>
        </FilePick>
      )}
      {chosen.length > 1 && <StyleMix styles={chosen} onShare={(place, share) => { draft.setShare(place, share); }} onRemove={(place) => { draft.removeStyle(place); }} />}
    </section>
  );
}
