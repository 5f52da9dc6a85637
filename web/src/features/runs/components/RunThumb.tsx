import type { RunSession } from "@/features/runs/lib/session";
import { useObjectUrl } from "@/shared/lib/object-url";
import { useStore } from "@/shared/lib/store";

/** A run, small: its painting, else as it forms, else its photo. */
export function RunThumb({ run }: { run: RunSession }) {
  const { phase, step, steps } = useStore(run.state);
  const thumb = useStore(run.thumb);
  const preview = useStore(run.preview);
  const url = useObjectUrl(thumb ?? preview ?? run.order?.content.blob);
  const done = phase === "running" && steps > 0 ? step / steps : null;
  return (
    <span className={`run-thumb ${phase}`}>
      {url && <img src={url} alt="" width={240} height={180} />}
      {done !== null && <span className="run-thumb-bar"><span style={{ width: `${done * 100}%` }} /></span>}
    </span>
  );
}
