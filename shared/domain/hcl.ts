// A small reader of Terraform's native syntax: blocks, labels, attributes and literal values, everything else kept as tokens.
// It evaluates nothing. What it cannot read is refused with line and column.
import { type HclToken, hclTokens, templateText } from "./hcl-lexer.ts";
import { type HclValue, literalOf } from "./hcl-literal.ts";
import { refusalAsProblem, type SourceProblem, SourceRefusal } from "./source-problem.ts";

/** The right side of an attribute. */
export interface HclExpression {
  /** The value when it is a literal (string without interpolation, number, bool, null, list or object of those). */
  readonly literal: HclValue | undefined;
  readonly tokens: readonly HclToken[];
  readonly line: number;
  readonly column: number;
}

/** `name = expression`. */
export interface HclAttribute {
  readonly name: string;
  readonly expression: HclExpression;
  readonly line: number;
  readonly column: number;
}

/** `type "label" … { body }`. */
export interface HclBlock {
  readonly type: string;
  readonly labels: readonly string[];
  readonly body: HclBody;
  readonly line: number;
  readonly column: number;
}

/** What stands between the braces of a block, or in a whole file; order as written. */
export interface HclBody {
  readonly attributes: readonly HclAttribute[];
  readonly blocks: readonly HclBlock[];
}

interface Reader {
  readonly file: string;
  readonly tokens: readonly HclToken[];
  at: number;
}

const current = (reader: Reader): HclToken => {
  const token = reader.tokens[reader.at];
  if (token === undefined) throw new Error("The lexer always ends with an end token.");
  return token;
};

const isPlain = (token: HclToken, kind: string, text?: string): boolean =>
  token.kind === kind && (text === undefined || (token.kind !== "template" && token.text === text));

function refuse(reader: Reader, token: HclToken, what: string): never {
  throw new SourceRefusal({
    file: reader.file,
    line: token.line,
    column: token.column,
    what,
    remedy: "Correct the syntax; `terraform fmt` shows the place.",
  });
}

/** Tokens up to the end of the line or of a one-line block, whichever comes first outside of brackets. */
function expression(reader: Reader): HclExpression {
  const first = current(reader);
  const start = reader.at;
  let depth = 0;
  for (;;) {
    const token = current(reader);
    if (
      token.kind === "end" ||
      (depth === 0 && (token.kind === "newline" || isPlain(token, "punctuation", "}")))
    )
      break;
    if (token.kind === "punctuation" && "{[(".includes(token.text)) depth += 1;
    if (token.kind === "punctuation" && ")]}".includes(token.text)) depth -= 1;
    if (depth === 0 && (isPlain(token, "punctuation", ",") || isPlain(token, "punctuation", "="))) {
      refuse(reader, token, "Two values stand on one line.");
    }
    reader.at += 1;
  }
  const tokens = reader.tokens.slice(start, reader.at);
  if (tokens.length === 0) refuse(reader, first, "A value is missing after =.");
  return { literal: literalOf(tokens), tokens, line: first.line, column: first.column };
}

/** Labels, braces and body; the cursor stands behind the block's type. */
function block(reader: Reader, type: HclToken & { kind: "identifier" }): HclBlock {
  const labels: string[] = [];
  for (;;) {
    const token = current(reader);
    if (token.kind === "identifier") {
      labels.push(token.text);
    } else if (token.kind === "template" && !token.heredoc) {
      const text = templateText(token);
      if (text === undefined) refuse(reader, token, "A block label cannot contain an interpolation.");
      labels.push(text);
    } else if (isPlain(token, "punctuation", "{")) {
      break;
    } else {
      refuse(reader, token, `Expected =, a label or { after ${type.text}.`);
    }
    reader.at += 1;
  }
  reader.at += 1;
  const inner = body(reader, true);
  reader.at += 1;
  const next = current(reader);
  if (next.kind !== "newline" && next.kind !== "end") refuse(reader, next, "A block must end its line.");
  return { type: type.text, labels, body: inner, line: type.line, column: type.column };
}

function body(reader: Reader, nested: boolean): HclBody {
  const attributes: HclAttribute[] = [];
  const blocks: HclBlock[] = [];
  for (;;) {
    const token = current(reader);
    if (token.kind === "newline") {
      reader.at += 1;
      continue;
    }
    if (token.kind === "end" && !nested) return { attributes, blocks };
    if (nested && isPlain(token, "punctuation", "}")) return { attributes, blocks };
    if (token.kind !== "identifier") refuse(reader, token, "Expected the name of an attribute or block.");
    reader.at += 1;
    if (!isPlain(current(reader), "punctuation", "=")) {
      blocks.push(block(reader, { ...token, kind: "identifier" }));
      continue;
    }
    reader.at += 1;
    if (attributes.some(({ name }) => name === token.text)) {
      refuse(reader, token, `The attribute ${token.text} is set twice.`);
    }
    attributes.push({
      name: token.text,
      expression: expression(reader),
      line: token.line,
      column: token.column,
    });
  }
}

/** Reads a `.tf` or `.hcl` file, or says where it cannot be read. Bounded by the limits of the lexer. */
export function readHcl(file: string, text: string): HclBody | { readonly problem: SourceProblem } {
  return refusalAsProblem(() => body({ file, tokens: hclTokens(file, text), at: 0 }, false));
}

/** The attribute of this name, if the body has one. */
export function attributeOf(body: HclBody, name: string): HclAttribute | undefined {
  return body.attributes.find((attribute) => attribute.name === name);
}
