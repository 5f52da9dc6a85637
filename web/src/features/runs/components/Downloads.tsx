import { useState } from "react";

import { asJpeg } from "@/features/runs/lib/thumbnail";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

interface Props {
  /** Both null until the painting is here. */
  picture: Blob | null;
  url: string | null;
  name: string;
}

/** The painting as a file: PNG as it was made, or a JPEG of it. */
export function Downloads({ picture, url, name }: Props) {
  const t = useTexts().result;
  const [busy, setBusy] = useState(false);

  const saveJpeg = async () => {
    if (!picture) return;
    setBusy(true);
    try {
      const made = URL.createObjectURL(await asJpeg(picture));
      const link = document.createElement("a");
      link.href = made;
      link.download = `${name}.jpg`;
      link.click();
      setTimeout(() => { URL.revokeObjectURL(made); }, 10_000);
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="downloads">
      {url ? (
        <a className="primary" href={url} download={`${name}.png`}><Icon name="down" />{t.png}</a>
      ) : (
        <button type="button" className="primary" disabled><Icon name="down" />{t.png}</button>
      )}
      <button type="button" className="secondary" disabled={busy || !url} onClick={() => { void saveJpeg(); }}>{t.jpeg}</button>
    </div>
  );
}
