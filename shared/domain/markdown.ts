// Text of others inside our Markdown: shown as it is, never read as Markdown or HTML, and calling nobody.
import { createRedact } from "./redact.ts";

/** GitHub's limit for the summary of a check run and, less one, for a comment, in characters. */
export const MARKDOWN_LENGTH_MAX = 65_535;

/** No escapes, and no token of a known format, whatever the text comes from. */
const clean = createRedact([]);

/** Keeps `@name`, `#12` and `GH-12` from becoming mentions and links: a word joiner stands behind the sign. */
function withoutMentions(text: string): string {
  return text.replaceAll(/[@#](?=[\p{L}\p{N}_-])/gu, "$&\u2060").replaceAll(/\bGH-(?=\d)/gi, "$&\u2060");
}

/** One line of running text from foreign text. */
export function plainText(text: string): string {
  const line = clean(text).replaceAll(/\s+/g, " ").trim();
  const html = line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const marks = html
    .replaceAll(/[\\`*_{}[\]()|~!$^]/g, "\\$&")
    .replace(/^[-+=]/, "\\$&")
    .replace(/^(\d+)([.)])(?=\s)/, "$1\\$2");
  // Bare addresses would become links.
  return withoutMentions(marks)
    .replaceAll(/:\/\//g, ":\u2060//")
    .replaceAll(/\bwww\./gi, "www\u2060.");
}

/** One line of code from foreign text, in more backticks than it has itself. */
export function codeText(text: string): string {
  const line = clean(text).replaceAll(/\s+/g, " ").trim();
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const pad = line.startsWith("`") || line.endsWith("`") || line === "" ? " " : "";
  return `${fence}${pad}${line}${pad}${fence}`;
}

/** A fenced block from foreign text; `diff` colours lines that start with + or -. */
export function codeBlock(text: string, language = ""): string {
  const whole = clean(text).replace(/\n+$/, "");
  const longest = Math.max(2, ...[...whole.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${whole}\n${fence}`;
}

/** Joins sections up to the limit; sections that do not fit are left out, and the last line says how many. */
export function joinWithin(sections: readonly string[], lengthMax = MARKDOWN_LENGTH_MAX): string {
  const notice = (count: number): string =>
    `\n\n_${count} more ${count === 1 ? "part does" : "parts do"} not fit here; the status page shows all._\n`;
  const room = lengthMax - notice(sections.length).length;
  let text = "";
  for (const [index, section] of sections.entries()) {
    const next = text === "" ? section : `${text}\n\n${section}`;
    if (next.length > room && (index < sections.length - 1 || next.length + 1 > lengthMax)) {
      return `${text}${notice(sections.length - index)}`;
    }
    text = next;
  }
  return `${text}\n`;
}

/** Says that a text goes on. */
const CUT_NOTICE = "_The check says the rest._";
/** The start of a block as `codeBlock` writes it; its end is the same backticks alone. */
const FENCE = /^`{3,}/;

/**
 * The beginning of our own Markdown, in whole lines, up to the limit. A block that the cut would leave open is closed: everything
 * behind it would else be code.
 */
export function cutWithin(markdown: string, lengthMax: number): string {
  const whole = markdown.trim();
  if (whole.length <= lengthMax) return whole;
  let text = "";
  let open = "";
  for (const line of whole.split("\n")) {
    const next = `${text}${line}\n`;
    const fence = open === "" ? (FENCE.exec(line)?.[0] ?? "") : line === open ? "" : open;
    if (next.length + `${fence}\n\n${CUT_NOTICE}`.length > lengthMax) break;
    text = next;
    open = fence;
  }
  return `${text}${open === "" ? "" : `${open}\n`}\n${CUT_NOTICE}`;
}
