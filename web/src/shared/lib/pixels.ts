/** A picture made ready for a run: upright, no larger than needed, and without metadata. */
export interface Picture {
  /** For React and for comparing; never sent. */
  id: string;
  blob: Blob;
  name: string;
  width: number;
  height: number;
}
