/** Files that come by drop or paste. */

/** The files of a drag or of the clipboard. */
export const filesOf = (data: DataTransfer | null): File[] => [...(data?.files ?? [])];

/** Whether a drag carries files, and not a piece of text. */
export const carriesFiles = (data: DataTransfer | null): boolean => data?.types.includes("Files") ?? false;
