import type { ReactNode } from "react";

/** Something the visitor should know, and what can still be done. */
export function Notice({ kind, title, children }: { kind: "closed" | "offline" | "trouble"; title: string; children: ReactNode }) {
  return (
    <section className={`notice ${kind}`} role="status">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
