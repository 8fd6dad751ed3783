// Which traffic moves of an endpoint are on record, by epoch: all up to the last one but for the gaps.

/** Epochs that were never seen, both ends included. */
export interface EpochGap {
  readonly from: number;
  readonly to: number;
}

/** What is on record. */
export interface Epochs {
  /** The highest epoch on record; 0 before the first move. */
  readonly last: number;
  readonly gaps: readonly EpochGap[];
}

/** Before the first move. */
export const NO_EPOCHS: Epochs = { last: 0, gaps: [] };

/** Whether a move of this epoch is on record. */
export function onRecord({ last, gaps }: Epochs, epoch: number): boolean {
  return epoch <= last && !gaps.some(({ from, to }) => from <= epoch && epoch <= to);
}

/** The record after a move of this epoch; one that was missing closes its part of a gap. */
export function withEpoch({ last, gaps }: Epochs, epoch: number): Epochs {
  const rest = gaps.flatMap(({ from, to }) =>
    epoch < from || epoch > to
      ? [{ from, to }]
      : [
          { from, to: epoch - 1 },
          { from: epoch + 1, to },
        ].filter((part) => part.from <= part.to),
  );
  return { last: Math.max(last, epoch), gaps: rest };
}

/** The record after it was noticed that the epochs between two are missing. */
export function withGap({ last, gaps }: Epochs, after: number, before: number): Epochs {
  const gap = { from: after + 1, to: before - 1 };
  return gap.from > gap.to ? { last, gaps } : { last: Math.max(last, gap.to), gaps: [...gaps, gap] };
}
