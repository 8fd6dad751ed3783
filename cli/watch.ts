// `--watch`: a list again and again until Ctrl-C. On a terminal it stays in place; into a pipe it is written when it has changed.
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { CommandError, EXIT } from "./exit.ts";
import type { CommandContext } from "./output.ts";
import { printable } from "./text.ts";

/** Between two looks, unless the person says otherwise. */
export const WATCH_EVERY_SECONDS = 2;
/** The longest time between two looks. */
const WATCH_EVERY_SECONDS_MAX = 3_600;
/** How long a control plane may be away before watching is given up: restarts and upgrades take less. */
export const WATCH_AWAY_MS_MAX = 15 * 60_000;

// Escape sequences of ECMA-48, and DEC private modes: 25 shows the cursor, 2026 holds the screen back until a frame is whole.
const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K";
const BELOW = "\u001b[J";
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const HOLD = "\u001b[?2026h";
const RELEASE = "\u001b[?2026l";

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= WATCH_EVERY_SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(`Give a whole number of seconds from 1 to ${WATCH_EVERY_SECONDS_MAX}.`);
}

/** Adds `--watch` to a command that lists. */
export const watchable = (command: Command): Command =>
  command.option(
    "--watch [seconds]",
    `look again every so often (${WATCH_EVERY_SECONDS} s by default) until Ctrl-C`,
    secondsOf,
  );

/** A look: what was shown, as words and as the value behind them, and what kept it from being whole. */
interface Look {
  readonly text: string;
  readonly value: string;
  readonly problem: CommandError | undefined;
}

async function look(context: CommandContext, show: Show): Promise<Look> {
  let text = "";
  let value = "";
  const write = (more: string): void => void (text += more);
  const shown = (what: unknown): void => void (value += JSON.stringify(what));
  try {
    await show({ ...context, write, shown });
    return { text, value, problem: undefined };
  } catch (error) {
    // Only what may pass by itself: whoever may not ask, or asks for what is not there, learns it at once.
    if (!(error instanceof CommandError) || error.exit !== EXIT.unavailable) throw error;
    return { text, value, problem: error };
  }
}

type Show = (context: CommandContext) => Promise<void>;

/** One frame in place of the one before: lines that fit, each cleared to its end, and nothing left below. No flicker, no scrolling. */
export function frameOf(
  lines: readonly string[],
  { columns, rows }: { columns: number; rows: number },
): string {
  const fitting =
    lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`];
  const drawn = fitting.map(
    (line) => `${line.length > columns ? `${line.slice(0, columns - 1)}…` : line}${END_OF_LINE}`,
  );
  return `${HOLD}${HOME}${drawn.join("\r\n")}\r\n${BELOW}${RELEASE}`;
}

const linesOf = (text: string): readonly string[] => text.replace(/\n$/, "").split("\n");

/** Shows looks until the signal aborts. `pause` is asked between two of them. */
export async function watch(
  context: CommandContext,
  show: Show,
  seconds: number,
  signal: AbortSignal,
  pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }),
): Promise<void> {
  let last: Look = { text: "", value: "", problem: undefined };
  let told: string | undefined;
  let heardAt = context.now();
  while (!signal.aborted) {
    const found = await look(context, show);
    if (found.problem === undefined) heardAt = context.now();
    // The first look must work: a wrong address is no outage.
    const isBlind = found.problem !== undefined && found.text === "";
    if (isBlind && (last.text === "" || context.now() - heardAt > WATCH_AWAY_MS_MAX)) throw found.problem;
    const kept = found.text === "" ? last : found;
    const screen = context.screen?.();
    if (screen !== undefined) {
      const time = new Date(context.now()).toISOString().slice(11, 19);
      const note =
        found.problem === undefined
          ? `${time} UTC, every ${seconds} s; Ctrl-C ends it`
          : `${time} UTC: ${found.problem.message.split("\n", 1)[0] ?? ""} Trying again.`;
      context.write(frameOf([printable(note, screen.columns), "", ...linesOf(kept.text)], screen));
    } else {
      if (found.text !== "" && (found.value !== last.value || last.text === "")) context.write(found.text);
      const problem = found.problem?.message;
      if (problem !== undefined && problem !== told) context.tell?.(`${problem} Trying again.\n`);
      told = problem;
    }
    last = kept;
    await pause(seconds * 1_000).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** Runs a command that lists: once, or as often as `--watch` says. */
export async function once(command: Command, context: CommandContext, show: Show): Promise<void> {
  const { watch: asked } = command.opts<{ watch?: number | true }>();
  if (asked === undefined) return show(context);
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once("SIGINT", onInterrupt);
  const isTerminal = context.screen?.() !== undefined;
  if (isTerminal) context.write(`${HIDE_CURSOR}${HOME}${BELOW}`);
  try {
    await watch(context, show, asked === true ? WATCH_EVERY_SECONDS : asked, stop.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
    if (isTerminal) context.write(SHOW_CURSOR);
  }
}
