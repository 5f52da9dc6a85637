import type { Reason } from "@/shared/api/http";
import type { Texts } from "@/shared/texts/en";

/** A refusal in the visitor's language. */
export const reasonText = ({ code }: Reason, texts: Texts): string => texts.problems[code] ?? texts.problems.other ?? "";

/** What the painter found in the pictures is said in its own words (English) besides. */
export const reasonDetail = ({ code, detail }: Reason): string | null => (code === "picture-refused" && detail ? detail : null);
