// Reads the part of the Prometheus text format (0.0.4) that our gateway writes: samples with labels, without timestamps.

/** Bytes of one scrape. */
export const EXPOSITION_BYTES_MAX = 4 * 1024 * 1024;

/** One line: a metric's name, its labels and its value. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

// Only a line feed ends a line here: `.` would also stop at CR, U+2028 and U+2029, which label values may hold.
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([0-9eE.+-]+|[+-]?Inf|NaN)$/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/sy;

function labelsOf(text: string): Readonly<Record<string, string>> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match?.[1] === undefined) return undefined;
    labels[match[1]] = (match[2] ?? "").replace(/\\(.)/gs, (_, character: string) =>
      character === "n" ? "\n" : character,
    );
  }
  return labels;
}

function valueOf(text: string): number {
  return text.endsWith("Inf") ? Number(text.replace("Inf", "Infinity")) : Number(text);
}

/** All samples of a text, or undefined when a line is not of the format: half a scrape is no scrape. */
export function parseExposition(text: string): readonly ExposedSample[] | undefined {
  const samples: ExposedSample[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [matched, name = "", labelText = "", value = ""] = LINE.exec(line) ?? [];
    const labels = labelsOf(labelText);
    if (matched === undefined || labels === undefined) return undefined;
    samples.push({ name, labels, value: valueOf(value) });
  }
  return samples;
}
