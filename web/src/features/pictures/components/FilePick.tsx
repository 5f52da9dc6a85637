import type { ReactNode } from "react";

import { contentTypeValues } from "@/shared/api/contract";

interface Props {
  id?: string;
  className: string;
  multiple?: boolean;
  /** Straight to the camera of a phone. */
  camera?: boolean;
  onFiles: (files: File[]) => void;
  children: ReactNode;
}

/** A button that asks for files; the same for the mouse, the keyboard and a screen reader. */
export function FilePick({ id, className, multiple = false, camera = false, onFiles, children }: Props) {
  return (
    <label className={`pick ${className}`}>
      <input
        id={id}
        className="unseen"
        type="file"
        accept={camera ? "image/*" : contentTypeValues.join(",")}
        multiple={multiple}
        {...(camera && { capture: "environment" as const })}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = ""; // the same file again is a choice, too
          if (files.length > 0) onFiles(files);
        }}
      />
      {children}
    </label>
  );
}
