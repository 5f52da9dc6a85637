import { useRef, useState, type CSSProperties, type PointerEvent } from "react";

import { Icon } from "@/shared/ui/Icon";
import { useTexts } from "@/shared/texts/language";

const ZOOMS = [1, 1.5, 2, 3, 4];

interface Props {
  painting: string;
  /** Null where the photo is not on this device. */
  photo: string | null;
  frame: CSSProperties;
}

/** The painting with the photo over it, cut at a line that can be moved; both can be enlarged. */
export function Compare({ painting, photo, frame }: Props) {
  const t = useTexts().result;
  const [cut, setCut] = useState(50);
  const [step, setStep] = useState(0);
  const [ratio, setRatio] = useState<number | null>(null);
  const view = useRef<HTMLDivElement>(null);
  const zoom = ZOOMS[step] ?? 1;

  /** Nearer or farther, with the middle of what is seen kept in the middle. */
  const turn = (change: number) => {
    const next = Math.min(ZOOMS.length - 1, Math.max(0, step + change));
    const box = view.current;
    const factor = (ZOOMS[next] ?? 1) / zoom;
    setStep(next);
    if (!box) return;
    const [x, y] = [box.scrollLeft + box.clientWidth / 2, box.scrollTop + box.clientHeight / 2];
    requestAnimationFrame(() => {
      box.scrollTo(x * factor - box.clientWidth / 2, y * factor - box.clientHeight / 2);
    });
  };

  const style = { ...frame, ...(ratio !== null && { "--ratio": ratio }), "--zoom": zoom, "--cut": `${cut}%` } as CSSProperties;
  return (
    <div className="compare-place" style={style}>
      {/* An enlarged picture is scrolled: by the wheel, the fingers, the keyboard, or dragged. */}
      <div
        className="easel fixed compare" ref={view} data-zoomed={zoom > 1 || undefined}
        {...(zoom > 1 && { tabIndex: 0, role: "region", "aria-label": t.canvas })}
        onPointerDown={grab} onPointerMove={drag}
      >
        <div className="compare-inner">
          <img
            className="painting" src={painting} alt={t.alt} draggable={false}
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => { setRatio(naturalWidth / naturalHeight); }}
          />
          {photo && (
            <>
              <img className="photo-over" src={photo} alt={t.before} draggable={false} />
              <span className="tag left" aria-hidden="true">{t.before}</span>
              <span className="tag right" aria-hidden="true">{t.after}</span>
              <span className="line" aria-hidden="true" />
              <input
                className="slide" type="range" min={0} max={100} step={0.5} value={cut} aria-label={t.slider} aria-valuetext={`${Math.round(cut)} %`}
                onChange={(event) => { setCut(Number(event.target.value)); }}
              />
            </>
          )}
        </div>
      </div>
      <div className="zoom-tools" role="group" aria-label={t.zoom(Math.round(zoom * 100))}>
        <button type="button" className="round" aria-label={t.zoomOut} title={t.zoomOut} disabled={step === 0} onClick={() => { turn(-1); }}><Icon name="minus" /></button>
        <output>{t.zoom(Math.round(zoom * 100))}</output>
        <button type="button" className="round" aria-label={t.zoomIn} title={t.zoomIn} disabled={step === ZOOMS.length - 1} onClick={() => { turn(1); }}><Icon name="plus" /></button>
      </div>
    </div>
  );
}

/** Dragging with the mouse scrolls an enlarged picture; fingers do that by themselves. */
function grab(event: PointerEvent<HTMLDivElement>): void {
  if (event.pointerType === "mouse" && event.currentTarget.dataset.zoomed && !(event.target instanceof HTMLInputElement)) {
    event.currentTarget.setPointerCapture(event.pointerId);
  }
}

function drag(event: PointerEvent<HTMLDivElement>): void {
  const { currentTarget: box } = event;
  if (box.hasPointerCapture(event.pointerId)) box.scrollBy(-event.movementX, -event.movementY);
}
