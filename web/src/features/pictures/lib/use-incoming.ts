import { useEffect, useEffectEvent, useState } from "react";

import { carriesFiles, filesOf } from "@/features/pictures/lib/incoming";

/**
 * Files dropped anywhere on the page, or pasted. `onFiles` gets them with the element under the
 * pointer (null for a paste); gives whether files hover over the page now.
 */
export function useIncoming(onFiles: (files: File[], over: Element | null) => void): boolean {
  const [hovering, setHovering] = useState(false);
  const took = useEffectEvent(onFiles);

  useEffect(() => {
    let depth = 0;
    const dragged = (change: number) => (event: DragEvent) => {
      if (!carriesFiles(event.dataTransfer)) return;
      depth += change;
      setHovering(depth > 0);
    };
    const enter = dragged(1);
    const leave = dragged(-1);
    const over = (event: DragEvent) => {
      if (carriesFiles(event.dataTransfer)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event.dataTransfer)) return;
      event.preventDefault(); // a dropped file never replaces the page
      depth = 0;
      setHovering(false);
      took(filesOf(event.dataTransfer), event.target instanceof Element ? event.target : null);
    };
    const paste = (event: ClipboardEvent) => {
      const files = filesOf(event.clipboardData);
      if (files.length > 0) took(files, null);
    };
    document.addEventListener("dragenter", enter);
    document.addEventListener("dragleave", leave);
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("dragenter", enter);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, []);

  return hovering;
}
