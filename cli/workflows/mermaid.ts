// Text and lines of a Mermaid flowchart.

/** Characters of a label; more make the picture unreadable. */
const LABEL_CHARACTERS_MAX = 60;

/** Shapes of nodes, by what stands before and after the label. */
const SHAPES = {
  box: ["[", "]"],
  round: ["(", ")"],
  pill: ["([", "])"],
  diamond: ["{", "}"],
  hexagon: ["{{", "}}"],
  fork: ["[[", "]]"],
  flag: [">", "]"],
} as const;

/** A shape of a node. */
export type Shape = keyof typeof SHAPES;

/** Text as Mermaid shows it: its own marks become entities, long text is cut. */
export function label(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const cut = line.length > LABEL_CHARACTERS_MAX ? `${line.slice(0, LABEL_CHARACTERS_MAX - 1)}…` : line;
  return cut.replaceAll(/[#"<>&`|\\]/g, (mark) => `#${mark.codePointAt(0)};`);
}

/** A node; each line of `lines` is one line of its label. */
export function node(id: string, shape: Shape, lines: readonly string[]): string {
  const [open, close] = SHAPES[shape];
  return `${id}${open}"${lines.map(label).join("<br/>")}"${close}`;
}

/** An arrow; dotted ones show errors, retries and calls. */
export function arrow(from: string, to: string, text = "", dotted = false): string {
  const line = dotted ? "-.->" : "-->";
  return text === "" ? `${from} ${line} ${to}` : `${from} ${line}|"${label(text)}"| ${to}`;
}
