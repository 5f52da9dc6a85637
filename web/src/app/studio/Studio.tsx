import "./studio.css";

import { Easel } from "@/app/studio/Easel";
import { RunBar } from "@/app/studio/RunBar";
import { Settings } from "@/app/studio/Settings";
import { Styles } from "@/app/studio/Styles";
import { Welcome } from "@/app/studio/Welcome";
import { draft, useComplaint, useDraft, type Complaint } from "@/app/studio/draft";
import { Shelf } from "@/app/Shelf";
import { BudgetNotice } from "@/features/budget/components/BudgetNotice";
import { useIncoming } from "@/features/pictures/lib/use-incoming";
import { Icon } from "@/shared/ui/Icon";
import type { Texts } from "@/shared/texts/en";
import { useTexts } from "@/shared/texts/language";

/** The first screen: the photo, the style, how to paint, and the button. */
export function Studio() {
  const { content, pending, styles } = useDraft();
  const hovering = useIncoming((files, over) => {
    // Onto the styles, or pasted when there is a photo already: the style. Else the photo.
    const forStyle = over ? over.closest("[data-drop=style]") !== null : content !== null && styles.length === 0;
    const [first] = files;
    if (forStyle) void draft.addStyles(files);
    else if (first) void draft.setContent(first);
  });
  const filled = content !== null || pending !== null;
  return (
    <div className={`studio ${filled ? "filled" : "bare"}`} data-hovering={hovering || undefined}>
      <BudgetNotice />
      <div className="stage">{filled ? <Easel /> : <Welcome />}</div>
      <div className="panel">
        <Styles />
        <Settings />
        <RunBar />
      </div>
      <Complaints />
      <Shelf />
    </div>
  );
}

/** Why a file was not taken. */
function Complaints() {
  const texts = useTexts();
  const complaint = useComplaint();
  return (
    <div className="toast" role="alert">
      {complaint && (
        <p>
          <span>{wordsOf(complaint, texts)}</span>
          <button type="button" className="round" aria-label={texts.refused.dismiss} onClick={() => { draft.complaint.set(null); }}>
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}

function wordsOf(said: Complaint, texts: Texts): string {
  if ("full" in said) return texts.style.full;
  const { complaint, fileName } = said.refused;
  const words = complaint.why === "kind" ? (complaint.kind in texts.refused.kind ? texts.refused.kind[complaint.kind as keyof Texts["refused"]["kind"]] : texts.refused.kind.unknown) : texts.refused[complaint.why];
  return fileName ? `${fileName}: ${words}` : words;
}
