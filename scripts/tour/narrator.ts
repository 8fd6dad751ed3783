// Tells the tour line by line, with the time since its start, and keeps the figures for the table at the end.

/** One figure of the closing table. */
export interface Figure {
  readonly what: string;
  readonly value: string;
}

/** Where the tour's words go. */
export interface Narrator {
  /** A chapter of the tour. */
  chapter(title: string): void;
  /** One line of what happens. */
  say(line: string): void;
  /** A line that belongs to the one before. */
  detail(line: string): void;
  figure(what: string, value: string): void;
  figures(): readonly Figure[];
}

const plain = { bold: "", dim: "", green: "", reset: "" };
const colours = { bold: "\u001b[1m", dim: "\u001b[2m", green: "\u001b[32m", reset: "\u001b[0m" };

/** Writes to a stream; in colour when it is a terminal that wants it. */
export function createNarrator(out: NodeJS.WriteStream, now: () => number, colour: boolean): Narrator {
  const started = now();
  const kept: Figure[] = [];
  const { bold, dim, green, reset } = colour ? colours : plain;
  const stamp = (): string => `${((now() - started) / 1000).toFixed(1).padStart(6)} s`;
  return {
    chapter: (title) => void out.write(`\n${bold}${title}${reset}\n`),
    say: (line) => void out.write(`${dim}${stamp()}${reset}  ${line}\n`),
    detail: (line) => void out.write(`          ${dim}${line}${reset}\n`),
    figure: (what, value) => {
      kept.push({ what, value });
      out.write(`${dim}${stamp()}${reset}  ${green}✓${reset} ${what}: ${bold}${value}${reset}\n`);
    },
    figures: () => kept,
  };
}

/** The closing table. */
export function formatFigures(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ what }) => what.length));
  return figures.map(({ what, value }) => `  ${what.padEnd(width)}  ${value}`).join("\n");
}
