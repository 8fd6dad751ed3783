// The command line without a control plane: help, usage, and what it says when nobody answers.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProgram } from "../../cli/program.ts";
import { age, formatTable } from "../../cli/table.ts";
import { printable, printableJson, printableLines } from "../../cli/text.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/source-files.ts";
import { callCli } from "./call-cli.ts";

const nothing = { env: {}, now: () => 0, write: () => {}, stdin: process.stdin };
const program = createProgram(nothing, () => {});
const every = program.commands.flatMap((command) => [command, ...command.commands]);
const pathOf = (command: (typeof every)[number]): readonly string[] =>
  command.parent === null || command.parent === program
    ? [command.name()]
    : [command.parent.name(), command.name()];

describe("help", () => {
  test.each(every.map((command) => [pathOf(command).join(" "), pathOf(command)] as const))(
    "of `%s` says what it does, and shows an example that begins with it",
    async (words, path) => {
      const { code, out, err } = await callCli([...path, "--help"]);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(/Examples?:\n/);
      expect(out.slice(out.indexOf("Example"))).toMatch(new RegExp(`signalbox (?:--\\S+ \\S+ )*${words}\\b`));
    },
  );

  test("of everything names every command and the exit codes", async () => {
    const { out } = await callCli(["--help"]);
    expect(every.length).toBeGreaterThan(15);
    // One is hidden: shells ask it, not people.
    const shown = program.createHelp().visibleCommands(program);
    expect(shown.length).toBe(program.commands.length);
    for (const command of shown) expect(out).toContain(`  ${command.name()}`);
    expect(out).toContain(
      "Exit codes: 0 done, 1 refused, 2 usage, 3 not found, 4 not allowed, 5 not reachable.",
    );
  });
});

describe("a command line that is wrong exits with 2", () => {
  test.each([
    [["rolback", "ranker"], "Did you mean rollback?"],
    [["rollback", "ranker"], "required option '--reason <words>'"],
    [["stacks", "--limit", "many"], "Give a whole number from 1 to"],
    [["start", "--port", "http"], "Give a whole number from 0 to 65535"],
    [["approve"], "missing required argument 'plan'"],
  ])("%j", async (argv, words) => {
    const { code, out, err } = await callCli(argv);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(words);
    expect(err).toContain("--help shows how");
  });
});

/** A state folder that names a control plane. */
function folderFor(url: string, pid: number = process.pid): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "server.json"), JSON.stringify({ url, pid }));
  writeFileSync(join(folder, "token"), "a-token\n");
  writeFileSync(join(folder, "token-grace"), "graces-token\n");
  return folder;
}

/** A server that answers everything with this. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("nobody answers", () => {
  test("without a state folder it says how to start one", async () => {
    const { code, err } = await callCli(["--state", temporaryFolder(), "status"]);
    expect(code).toBe(5);
    expect(err).toMatch(/npm start.*npx signalbox start.*SIGNALBOX_URL/s);
  });

  test("with one that was stopped it says where nobody answers, and how to start it", async () => {
    const { code, err } = await callCli(["--state", folderFor("http://127.0.0.1:9"), "stacks"]);
    expect(code).toBe(5);
    expect(err).toContain("http://127.0.0.1:9 does not answer. Start the control plane with");
  });

  test("a person without a token file is told who has one", async () => {
    const { code, err } = await callCli([
      "--state",
      folderFor("http://127.0.0.1:9"),
      "--as",
      "eve",
      "stacks",
    ]);
    expect(code).toBe(4);
    expect(err).toContain("token-eve. People here: grace.");
  });

  test("an address that is none is a mistake of usage", async () => {
    const env = { SIGNALBOX_URL: "localhost:7420", SIGNALBOX_TOKEN: "t" };
    const { code, err } = await callCli(["stacks"], { env });
    expect(code).toBe(2);
    expect(err).toContain("write it like http://127.0.0.1:7420");
  });

  test("something else that answers there is not taken for a control plane", async () => {
    const env = { SIGNALBOX_URL: await answering(200, "<html>welcome</html>"), SIGNALBOX_TOKEN: "t" };
    const { code, err } = await callCli(["stacks"], { env });
    expect(code).toBe(5);
    expect(err).toContain("is that a Signalbox?");
  });
});

describe("what comes over the network", () => {
  const HOSTILE = "\u001b]0;owned\u0007\u001b[31mred\u001b[0m\u202eright\u009b2J\nnext";
  // oxlint-disable-next-line no-control-regex -- that none is printed is the question
  const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

  test("reaches a table, JSON and an error without control characters", async () => {
    const stacks = { stacks: [{ name: `stacks/${HOSTILE}`, state: HOSTILE }], nextPageToken: "" };
    const env = { SIGNALBOX_URL: await answering(200, JSON.stringify(stacks)), SIGNALBOX_TOKEN: "t" };
    const table = await callCli(["stacks"], { env });
    expect(table.out).toContain("red");
    expect(table.out).not.toMatch(CONTROL);
    expect(table.out.trimEnd().split("\n")).toHaveLength(2);

    const json = await callCli(["--json", "stacks"], { env });
    expect(json.out).not.toMatch(CONTROL);
    expect(JSON.parse(json.out)).toEqual(stacks.stacks);

    const refused = { error: { status: "ABORTED", message: HOSTILE } };
    const url = await answering(409, JSON.stringify(refused));
    const error = await callCli(["stacks"], { env: { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: "t" } });
    expect([error.code, error.out]).toEqual([1, ""]);
    expect(error.err).toContain("ABORTED");
    expect(error.err).not.toMatch(CONTROL);
  });

  test("keeps its lines where a log is shown, and its words everywhere", () => {
    expect(printableLines("a\u001b[1mb\u001b[0m\r\n\tc\u0007")).toBe("ab\n\tc");
    expect(printable("größe 界 \u0000x", 40)).toBe("größe 界  x");
    expect(printable("0123456789", 5)).toBe("0123…");
    expect(JSON.parse(printableJson({ text: HOSTILE }))).toEqual({ text: HOSTILE });
  });
});

test("a table is aligned, has no blanks at line ends, and shows what is missing", () => {
  const rows = [
    { id: "a", state: "READY" },
    { id: "a-long-one", state: undefined },
  ];
  const columns = [
    { heading: "id", value: ({ id }: (typeof rows)[number]) => id },
    { heading: "state", value: ({ state }: (typeof rows)[number]) => state },
  ];
  expect(formatTable(rows, columns, "none")).toBe("ID          STATE\na           READY\na-long-one  –");
  expect(formatTable([], columns, "none")).toBe("none");
});

test.each([
  [90_000, "90s"],
  [600_000, "10m"],
  [3 * 3_600_000, "3h"],
  [3 * 86_400_000, "3d"],
  [-5_000, "0s"],
])("%d ms ago is %s", (ms, words) => {
  expect(age(new Date(10_000_000_000 - ms).toISOString(), 10_000_000_000)).toBe(words);
});

test("`npx signalbox` runs from a clone, whatever Node started it", { timeout: 60_000 }, () => {
  const answer = execFileSync("npx", ["--no-install", "signalbox", "--help"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect(answer).toContain("Usage: signalbox [options] [command]");
});
