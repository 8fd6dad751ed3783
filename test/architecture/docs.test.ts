// What the documents promise: links lead somewhere, commands exist, tables are those of the code. The first test proves that it looked.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../cli/program.ts";
import { collectLimits, withLimits } from "../../scripts/limits.ts";
import { readSource, ROOT, sourceFiles } from "../support/source-files.ts";

const LINKS_MIN = 10;
const COMMANDS_MIN = 10;
const LIMITS_MIN = 150;

const documents = sourceFiles(".md");

interface Link {
  readonly from: string;
  readonly to: string;
}

/** Links of a Markdown file, outside code. */
function linksOf(from: string): readonly Link[] {
  const text = readSource(from).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => ({ from, to }));
}

const links = documents.flatMap(linksOf);

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

function leads({ from, to }: Link): boolean {
  if (/^(https?:|mailto:)/.test(to)) return true;
  const [path = "", wanted] = to.split("#");
  const target = path === "" ? from : join(dirname(from), path);
  if (!existsSync(join(ROOT, target))) return false;
  if (wanted === undefined || wanted === "") return true;
  const headings = [...readSource(target).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchor(heading));
  return headings.includes(wanted);
}

/** The words after `signalbox` in code of the documents: options of everything, then the command. */
function commandsIn(from: string): readonly string[] {
  const code = [...readSource(from).matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([text]) => text);
  return code.flatMap((text) =>
    [
      ...text.matchAll(
        /(?:^|[\s`])signalbox((?: --(?:as|state) [^\s`]+| --json)*) ([a-z][a-z-]*)(?: ([a-z]+))?/gm,
      ),
    ].map(([, , command = "", inner = ""]) => `${command} ${inner}`.trim()),
  );
}

const program = createProgram({ env: {}, now: () => 0, write: () => {}, stdin: process.stdin }, () => {});

/** Commands that list by themselves and have commands of their own besides. */
const LISTING_COMMANDS = new Set(["dead-letters"]);

/** Whether the command line has this command; a command of commands needs one of its own. */
function isCommand(words: string): boolean {
  const [name = "", inner = ""] = words.split(" ");
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) return false;
  if (inner === "" && LISTING_COMMANDS.has(name)) return true;
  return command.commands.length === 0 || command.commands.some((each) => each.name() === inner);
}

const onCall = ["README.md", "docs/operations.md"];

test("the documents' test sees the documents", () => {
  expect(documents).toEqual(expect.arrayContaining([...onCall, "ARCHITECTURE.md", "CONTRIBUTING.md"]));
  expect(links.length).toBeGreaterThan(LINKS_MIN);
  expect(onCall.flatMap(commandsIn).length).toBeGreaterThan(COMMANDS_MIN);
});

test("every link leads to a file or a heading that is there", () => {
  expect(links.filter((link) => !leads(link))).toEqual([]);
});

describe("commands in the documents", () => {
  test.each(documents)("of %s exist", (file) => {
    const unknown = commandsIn(file).filter((words) => !isCommand(words));
    expect(unknown).toEqual([]);
  });

  test("that begin with npm name a script", () => {
    const { scripts } = JSON.parse(readSource("package.json")) as { scripts: Record<string, string> };
    const named = documents.flatMap((file) =>
      [...readSource(file).matchAll(/\bnpm (?:run (?:-s )?([a-z:-]+)|(start|test))\b/g)].map(
        ([, run, short]) => run ?? short ?? "",
      ),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("the table of limits", async () => {
  const limits = await collectLimits();

  test("is that of the code (npm run generate writes it)", () => {
    expect(limits.length).toBeGreaterThan(LIMITS_MIN);
    const document = readSource("docs/operations.md");
    expect(document).toBe(withLimits(document, limits));
  });

  test("has every constant whose name ends in _MAX", () => {
    const listed = new Set(limits.map(({ name, file }) => `${file} ${name}`));
    const files = sourceFiles(".ts").filter((file) => /^(shared|services|workflows|cli)\//.test(file));
    const written = files.flatMap((file) =>
      [...readSource(file).matchAll(/^(?:export )?const ([A-Z][A-Z0-9_]*_MAX)\b/gm)].map(
        ([, name = ""]) => `${file} ${name}`,
      ),
    );
    // Not a limit of ours: the largest number of JSON's 64-bit integers.
    expect(written.filter((each) => !listed.has(each))).toEqual([
      "workflows/engine/values/json.ts INT64_MAX",
    ]);
  });

  test("says of every limit what it bounds", () => {
    expect(
      limits.filter(({ sentence }) => sentence === "").map(({ name, file }) => `${file}: ${name}`),
    ).toEqual([]);
  });
});
