// HTML that cannot be injected into: whatever a template is given is text, unless another template made it.

/** A piece of HTML that a template made. Nothing else can make one. */
export interface Html {
  readonly html: string;
}

/** What may stand in a template: text and numbers are escaped, nothing is nothing, lists are joined. */
export type Part = Html | string | number | undefined | null | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Characters that can make text look like other text: controls, and overrides of the writing direction. */
const DECEIVING = /[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** Text as HTML, also inside a quoted attribute. Deceiving characters are shown as a replacement character. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(DECEIVING, (character) => (character === "\n" ? " " : "\uFFFD"))
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function render(part: Part): string {
  if (part === undefined || part === null || part === false) return "";
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  if ("html" in part) return part.html;
  return part.map(render).join("");
}

/** A template literal whose values are escaped. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.map((text, index) => text + render(parts[index])).join("") };
}
