import type { CSSProperties } from "react";

import type { RunSession } from "@/features/runs/lib/session";

/** The place of the picture has the photo's proportions from the start: nothing moves when it comes. */
export function frameOf(run: RunSession | null): CSSProperties {
  const content = run?.order?.content;
  return { "--ratio": content ? content.width / content.height : 1.5 } as CSSProperties;
}
