import { useState } from "react";

import { asJpeg } from "@/features/runs/lib/thumbnail";
import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

/** The painting as a file: PNG as it was made, or a JPEG of it. */
export function Downloads({ picture, url, name }: { picture: Blob; url: string; name: string }) {
  const t = useTexts().result;
  const [busy, setBusy] = useState(false);

  const saveJpeg = async () => {
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
      <a className="primary" href={url} download={`${name}.png`}><Icon name="down" />{t.png}</a>
      <button type="button" className="secondary" disabled={busy} onClick={() => { void saveJpeg(); }}>{t.jpeg}</button>
    </div>
  );
}
