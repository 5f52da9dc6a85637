import { useState, type CSSProperties } from "react";

import { draft, useDraft } from "@/app/studio/draft";
import { FilePick } from "@/features/pictures/components/FilePick";
import { useObjectUrl } from "@/shared/lib/object-url";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

/** The photo, as large as the place allows. */
export function Easel() {
  const texts = useTexts();
  const t = texts.photo;
  const { content, pending } = useDraft();
  const url = useObjectUrl(pending ?? content?.blob);
  const [seen, setSeen] = useState(1.5);
  const ratio = content && !pending ? content.width / content.height : seen;
  const name = pending?.name ?? content?.name ?? "";
  return (
    <section className="easel-place" aria-label={t.heading}>
      <h1 className="unseen">{texts.welcome.title}</h1>
      <div className="easel fixed" style={{ "--ratio": ratio } as CSSProperties} aria-busy={pending !== null}>
        {url && (
          <img
            className="photo" src={url} alt={t.alt(name)}
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => { setSeen(naturalWidth / naturalHeight); }}
          />
        )}
        {pending && <p className="chip" role="status">{t.preparing}</p>}
        <p className="let-go" aria-hidden="true">{t.letGo}</p>
      </div>
      <div className="easel-tools">
        <FilePick id="photo" className="quiet" onFiles={([file]) => { if (file) void draft.setContent(file); }}>
          <Icon name="photo" />{t.replace}
        </FilePick>
        <button type="button" className="quiet" onClick={() => { draft.removeContent(); }}>
          <Icon name="close" />{t.remove}
        </button>
      </div>
    </section>
  );
}
