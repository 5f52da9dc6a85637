import { useEffect, useRef } from "react";

import { Header } from "@/app/Header";
import { useRoute } from "@/app/routes";
import { RunPage } from "@/app/run/RunPage";
import { Studio } from "@/app/studio/Studio";
import { spoken, TextsContext } from "@/shared/texts/language";
import { useStore } from "@/shared/lib/store";

export function App() {
  const texts = useStore(spoken);
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const shown = route.screen === "run" ? route.id : "studio";
  const before = useRef(shown);

  // Another screen: readers hear it, and the keyboard begins at its top.
  useEffect(() => {
    if (before.current === shown) return;
    before.current = shown;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [shown]);

  return (
    <TextsContext value={texts}>
      <a className="skip" href="#main" onClick={(event) => {
        event.preventDefault(); // the fragment is the route
        main.current?.focus();
      }}>{texts.header.skip}</a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        {route.screen === "run" ? <RunPage key={route.id} id={route.id} /> : <Studio />}
      </main>
      <footer className="foot">
        <p>{texts.footer.privacy} {texts.footer.fonts}</p>
      </footer>
    </TextsContext>
  );
}
