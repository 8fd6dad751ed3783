// Text that came over the network, made safe for a terminal: control characters and direction marks never reach it.

// oxlint-disable-next-line no-control-regex -- removing control characters is the purpose
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
// oxlint-disable-next-line no-control-regex -- these sequences begin with one
const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

/** One line: no control characters, at most `widthMax` characters. */
export function printable(text: string, widthMax: number): string {
  const clean = text.replaceAll(ANSI, "").replaceAll(UNSAFE, " ").trim();
  return clean.length > widthMax ? `${clean.slice(0, widthMax - 1)}…` : clean;
}

/** Several lines: line ends and tabs stay, all other control characters go. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) =>
      line
        .replaceAll(ANSI, "")
        .split("\t")
        .map((part) => part.replaceAll(UNSAFE, ""))
        .join("\t"),
    )
    .join("\n");
}

/** JSON for programs that a person may also look at: what JSON leaves unescaped and a terminal obeys is escaped. */
export function printableJson(value: unknown): string {
  const escape = (found: string): string =>
    found
      .split("")
      .map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("");
  return JSON.stringify(value, null, 2)
    .split("\n")
    .map((line) => line.replaceAll(UNSAFE, escape))
    .join("\n");
}
