import { Component, type ReactNode } from "react";

import { spoken } from "@/shared/texts/language";

/** What is shown when drawing the page throws: a way out, and no blank page. */
export class CrashScreen extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError() {
    return { crashed: true };
  }

  override render() {
    if (!this.state.crashed) return this.props.children;
    const t = spoken.get().crash;
    return (
      <main className="alone">
        <h1>{t.title}</h1>
        <p>{t.text}</p>
        <button type="button" className="primary" onClick={() => { location.reload(); }}>{t.reload}</button>
      </main>
    );
  }
}
