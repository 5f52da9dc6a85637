import { useEffect, useState } from "react";

import { useTexts } from "@/shared/texts/language";

/** The time left, counted down between two lines of the log. */
export function TimeLeft({ etaS }: { etaS: number | null }) {
  return etaS === null ? null : <Countdown key={etaS} etaS={etaS} />;
}

function Countdown({ etaS }: { etaS: number }) {
  const t = useTexts().watch;
  const [left, setLeft] = useState(etaS);
  useEffect(() => {
    const timer = setInterval(() => { setLeft((seconds) => Math.max(1, seconds - 1)); }, 1_000);
    return () => { clearInterval(timer); };
  }, []);
  return <span className="time-left">{t.left(left)}</span>;
}
