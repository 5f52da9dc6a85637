import { useId, useState } from "react";

import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

/** The link of a painting: copied by a button; to be copied by hand where the browser does not let us. */
export function ShareLink({ address }: { address: string }) {
  const t = useTexts().result;
  const id = useId();
  const [state, setState] = useState<"idle" | "copied" | "by-hand">("idle");

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address);
      setState("copied");
    } catch {
      setState("by-hand");
    }
  };

  return (
    <div className="share">
      <button type="button" className="quiet" aria-describedby={id} onClick={() => { void copy(); }}>
        <Icon name={state === "copied" ? "check" : "link"} />
        {state === "copied" ? t.shared : t.share}
      </button>
      <span className="unseen" role="status">{state === "copied" && t.shared}</span>
      {state === "by-hand" && <input readOnly aria-label={t.shareAddress} value={address} onFocus={(event) => { event.target.select(); }} />}
      <p className="hint" id={id}>{t.shareHint}</p>
    </div>
  );
}
