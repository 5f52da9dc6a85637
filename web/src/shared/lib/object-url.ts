import { useEffect, useState } from "react";

/**
 * An address for a blob, for as long as the component shows it; null without one. The address
 * changes only when the new picture is decoded, so that nothing flickers; a broken one is skipped.
 */
export function useObjectUrl(blob: Blob | null | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);

  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    let wanted = true;
    const picture = new Image();
    picture.src = made;
    picture.decode().then(
      () => {
        if (wanted) setUrl(made);
      },
      () => undefined,
    );
    return () => {
      wanted = false;
      // The picture that is shown keeps its pixels; its successor is set before this frame ends.
      setTimeout(() => { URL.revokeObjectURL(made); }, 2_000);
    };
  }, [blob]);

  return blob ? url : null;
}
