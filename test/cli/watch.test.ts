// `--watch`: what is seen on a terminal, what goes into a pipe, and what happens while the control plane is away.
import { expect, test } from "vitest";
import { CommandError, EXIT } from "../../cli/exit.ts";
import type { CommandContext } from "../../cli/output.ts";
import { frameOf, watch, WATCH_AWAY_MS_MAX } from "../../cli/watch.ts";
import { callCli } from "./call-cli.ts";

type Answer = { readonly rows: readonly string[] } | { readonly away: string };

const AWAY: Answer = { away: "http://127.0.0.1:1 does not answer." };

/** Watches through these answers, one a look, in virtual time. */
async function watched(
  answers: readonly Answer[],
  screen?: { columns: number; rows: number },
  everyMs = 2_000,
) {
  const out: string[] = [];
  const told: string[] = [];
  let now = 0;
  let at = 0;
  const stop = new AbortController();
  const context: CommandContext = {
    env: {},
    now: () => now,
    write: (text) => void out.push(text),
    tell: (text) => void told.push(text),
    screen: () => screen,
    stdin: process.stdin,
  };
  const show = async ({ write, shown }: CommandContext): Promise<void> => {
    const answer = answers[at];
    if (answer === undefined) throw new Error("Nobody should look any more.");
    if ("away" in answer) throw new CommandError(EXIT.unavailable, answer.away);
    shown?.(answer.rows);
    // Ages differ at every look and are no change.
    write(`${answer.rows.join("\n")}\n${now / 1_000}s\n`);
  };
  const pause = async (): Promise<void> => {
    now += everyMs;
    at += 1;
    if (at >= answers.length) stop.abort();
  };
  const end = await watch(context, show, 2, stop.signal, pause).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { out, told, end };
}

test("into a pipe, a list is written again only when its rows have changed", async () => {
  const { out, end } = await watched([
    { rows: ["a"] },
    { rows: ["a"] },
    { rows: ["a", "b"] },
    { rows: ["a", "b"] },
  ]);
  expect([out, end]).toEqual([["a\n0s\n", "a\nb\n4s\n"], undefined]);
});

test("a control plane that goes away is said once on the side, and looked for until it is back", async () => {
  const { out, told, end } = await watched([{ rows: ["a"] }, AWAY, AWAY, { rows: ["b"] }]);
  expect(out).toEqual(["a\n0s\n", "b\n6s\n"]);
  expect(told).toEqual(["http://127.0.0.1:1 does not answer. Trying again.\n"]);
  expect(end).toBeUndefined();
});

test("one that was never there, and one that stays away, end it with the reason", async () => {
  expect((await watched([AWAY])).end).toMatchObject({ exit: EXIT.unavailable });
  const long = await watched([{ rows: ["a"] }, AWAY, AWAY], undefined, WATCH_AWAY_MS_MAX);
  expect(long.end).toMatchObject({ exit: EXIT.unavailable });
});

test("on a terminal every look is one write that goes over the one before, without clearing the screen", async () => {
  const { out } = await watched([{ rows: ["a", "b"] }, AWAY], { columns: 60, rows: 10 });
  expect(out).toHaveLength(2);
  for (const frame of out) {
    expect(frame.startsWith("\u001b[?2026h\u001b[H")).toBe(true);
    expect(frame.endsWith("\u001b[J\u001b[?2026l")).toBe(true);
    expect(frame).not.toContain("\u001b[2J");
  }
  expect(out[1]).toContain("does not answer");
  expect(out[1]).toContain("a\u001b[K\r\nb\u001b[K");
});

test("a frame is never larger than the terminal", () => {
  const lines = Array.from({ length: 30 }, (_, index) => `${index} ${"x".repeat(100)}`);
  // oxlint-disable-next-line no-control-regex -- taking the sequences out is the purpose
  const sequences = /\u001b\[[?0-9]*[A-Za-z]/g;
  const shown = frameOf(lines, { columns: 40, rows: 10 }).replaceAll(sequences, "").trimEnd().split("\r\n");
  expect(shown).toHaveLength(9);
  expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(40);
  expect(shown.at(-1)).toBe("… 22 more lines");
});

test("every list can be watched, and no other number of seconds than a whole one is taken", async () => {
  for (const list of [
    "status",
    "stacks",
    "plans",
    "models",
    "endpoints",
    "rollouts",
    "runs",
    "dead-letters",
  ]) {
    expect((await callCli([list, "--help"])).out, list).toContain("--watch [seconds]");
  }
  expect((await callCli(["stacks", "--watch", "0"])).code).toBe(EXIT.usage);
});
