// Collects every named limit of the code, with its value and its sentence, and writes the table of docs/operations.md.
import { join } from "node:path";
import { readSource, ROOT, sourceFiles } from "../test/support/source-files.ts";

/** One limit. */
export interface Limit {
  readonly name: string;
  readonly value: number;
  /** First sentence of its comment; empty when it has none. */
  readonly sentence: string;
  readonly file: string;
}

const DOCUMENT = "docs/operations.md";
const BEGIN = "<!-- limits: written by `npm run generate` -->";
const END = "<!-- end of limits -->";

/** Names of limits: what is bounded, then `_MAX`, or a time with its unit; and how they are written when nobody else reads them. */
const CONSTANT =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^(export )?const ([A-Z][A-Z0-9_]*_(?:MAX|MS|SECONDS))\b(?: = ([^;]+);)?/gm;

/** Units of time, which bound nothing. */
const UNIT = /^(?:SECOND|MINUTE|HOUR|DAY)_MS$/;

/** The number that a product of literals such as `10 * 60_000` is; undefined for anything else. */
function productOf(text: string): number | undefined {
  const factors = text.split("*").map((part) => part.trim().replaceAll("_", ""));
  if (!factors.every((factor) => /^\d+(?:\.\d+)?(?:e\d+)?$/.test(factor))) return undefined;
  return factors.reduce((product, factor) => product * Number(factor), 1);
}

function firstSentence(comment: string | undefined): string {
  const text = (comment ?? "")
    .replaceAll(/^\s*\*\s?/gm, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}

async function limitsOf(file: string): Promise<readonly Limit[]> {
  const found = [...readSource(file).matchAll(CONSTANT)];
  if (found.length === 0) return [];
  // Exported ones are looked up, because they may be made from others; files with side effects are not loaded.
  const isLoaded = !file.endsWith("/main.ts") && found.some(([, , exported]) => exported !== undefined);
  const values = isLoaded ? ((await import(join(ROOT, file))) as Readonly<Record<string, unknown>>) : {};
  return found.flatMap(([, comment, , name = "", text = ""]) => {
    const value = values[name] ?? productOf(text);
    return typeof value === "number" && !UNIT.test(name)
      ? [{ name, value, sentence: firstSentence(comment), file }]
      : [];
  });
}

/** Every numeric limit outside tests, by file, exported or not. */
export async function collectLimits(): Promise<readonly Limit[]> {
  const files = sourceFiles(".ts").filter((file) =>
    /^(shared|services|workflows|cli|scripts\/compose)\//.test(file),
  );
  const all = await Promise.all(files.toSorted().map(limitsOf));
  return all.flat();
}

const UNITS_MS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** A time in the largest unit that it fills. */
function timeText(ms: number): string {
  const [size, unit] = UNITS_MS.find(([size]) => ms >= size && ms % (size / 2) === 0) ?? [1, "ms"];
  return `${ms / size} ${unit}`;
}

function valueText({ name, value }: Limit): string {
  if (/_MS(_MAX)?$/.test(name)) return timeText(value);
  if (/_SECONDS(_MAX)?$/.test(name)) return timeText(value * 1_000);
  if (name.includes("BYTES")) {
    if (value >= 1_048_576 && value % 1_048_576 === 0) return `${value / 1_048_576} MiB`;
    if (value >= 1_024 && value % 1_024 === 0) return `${value / 1_024} KiB`;
  }
  return value >= 1e15 ? String(value) : value.toLocaleString("en-US");
}

const GROUPS: readonly (readonly [title: string, files: RegExp])[] = [
  ["Doors and processes", /^(shared\/runtime|services\/(api|webhook|console|relay)|scripts|cli)\//],
  ["Services", /^services\//],
  ["Rules", /^shared\/domain\//],
  ["This machine", /^shared\/adapters\//],
  ["Workflow engine", /^workflows\//],
];

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The tables, one a group. */
export function limitsText(limits: readonly Limit[]): string {
  let left = limits;
  const tables = GROUPS.map(([title, files]) => {
    const mine = left.filter(({ file }) => files.test(file));
    left = left.filter(({ file }) => !files.test(file));
    const rows = mine.map(
      (limit) => `| \`${limit.name}\` | ${valueText(limit)} | ${cell(limit.sentence)} | ${limit.file} |`,
    );
    return `### ${title}\n\n| limit | value | what | where |\n|---|---|---|---|\n${rows.join("\n")}`;
  });
  return tables.join("\n\n");
}

/** The document with these tables between its markers. */
export function withLimits(document: string, limits: readonly Limit[]): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`${DOCUMENT} has lost the markers ${BEGIN} and ${END}.`);
  return `${document.slice(0, begin + BEGIN.length)}\n${limitsText(limits)}\n${document.slice(end)}`;
}
