import { useObjectUrl } from "@/shared/lib/object-url";

/** A small picture beside words that name it: from an address or from pixels. */
export function Thumb({ picture }: { picture: string | Blob | null }) {
  const made = useObjectUrl(typeof picture === "string" ? null : picture);
  const url = typeof picture === "string" ? picture : made;
  return url ? <img src={url} alt="" width={256} height={256} /> : <span className="no-thumb" />;
}
