// Aligned tables for people; control characters from the network never reach the terminal.

/** A column: its heading and how a row fills it. */
export interface Column<Row> {
  readonly heading: string;
  readonly value: (row: Row) => string | number | undefined;
}

const CELL_WIDTH_MAX = 72;

/** Text that is safe to print: no escape sequences, one line, bounded. */
export function printable(text: string, widthMax = CELL_WIDTH_MAX): string {
  // oxlint-disable-next-line no-control-regex -- removing control characters is the purpose
  const clean = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
  return clean.length > widthMax ? `${clean.slice(0, widthMax - 1)}…` : clean;
}

/** A table with headings, or the sentence for an empty one. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty: string,
): string {
  if (rows.length === 0) return empty;
  const cells = rows.map((row) => columns.map(({ value }) => printable(String(value(row) ?? "–"))));
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...cells.map((line) => (line[index] ?? "").length)),
  );
  const format = (line: readonly string[]): string =>
    line
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [format(columns.map(({ heading }) => heading.toUpperCase())), ...cells.map(format)].join("\n");
}

/** How long ago, in one unit: `12s`, `5m`, `3h`, `2d`. */
export function age(time: string | undefined, now: number): string {
  if (time === undefined) return "–";
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}
