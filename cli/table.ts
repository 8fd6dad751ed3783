// Aligned tables for people.
import { printable } from "./text.ts";

/** A column: its heading and how a row fills it. */
export interface Column<Row> {
  readonly heading: string;
  readonly value: (row: Row) => string | number | undefined;
  /** Longest cell, in characters; default `CELL_WIDTH_MAX`. */
  readonly widthMax?: number;
}

/** Longest cell of a column that does not say otherwise, in characters. */
export const CELL_WIDTH_MAX = 72;
const NOTHING = "–";

/** A table with headings, or the sentence for an empty one. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty: string,
): string {
  if (rows.length === 0) return empty;
  const cell = (row: Row, { value, widthMax }: Column<Row>): string =>
    printable(String(value(row) ?? NOTHING), widthMax ?? CELL_WIDTH_MAX) || NOTHING;
  const cells = rows.map((row) => columns.map((column) => cell(row, column)));
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...cells.map((line) => (line[index] ?? "").length)),
  );
  const format = (line: readonly string[]): string =>
    line
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [format(columns.map(({ heading }) => heading.toUpperCase())), ...cells.map(format)].join("\n");
}

/** How long ago, in one unit: `12s`, `5m`, `3h`, `2d`. */
export function age(time: string | undefined, now: number): string {
  const then = Date.parse(time ?? "");
  if (Number.isNaN(then)) return NOTHING;
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}
