// `signalbox workflows run`: a workflow on this machine, its result on stdout.
import { readFile } from "node:fs/promises";
import { CassetteError, NonDeterminismError, prettyJson } from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";
import { readCassette, requireWritable, writeCassette } from "./cassette-file.ts";
import { createRealEffects } from "./real-effects.ts";
import { runWorkflow, type RunResult } from "./run-workflow.ts";
import { loadWorkflow, withoutControls } from "./source.ts";

/** What may be said about a run on the command line. */
export interface RunFlags {
  readonly args?: string;
  readonly env?: readonly string[];
  readonly seed?: string;
  readonly virtualTime?: boolean;
  readonly record?: string;
  readonly replay?: string;
  readonly trace?: boolean;
}

/** What a run sees of the process. */
export interface RunWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** The argument as JSON text: given as it is, or in a file after `@`. @throws {CommandError} when it is no JSON. */
export async function readArgument(given: string | undefined): Promise<string | undefined> {
  if (given === undefined) return undefined;
  let text = given;
  if (given.startsWith("@")) {
    try {
      text = await readFile(given.slice(1), "utf8");
    } catch (error) {
      throw new CommandError(
        EXIT.notFound,
        `--args: the file ${given.slice(1)} cannot be read: correct its path.`,
        error,
      );
    }
  }
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      EXIT.usage,
      `--args is no JSON (${why}): write for instance --args '{"name": "value"}', or --args @file.json.`,
    );
  }
}

/** `NAME=VALUE` pairs. @throws {CommandError} for one without a name. */
export function readEnvironment(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new CommandError(EXIT.usage, `--env ${pair}: write it as NAME=VALUE.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Ctrl-C cancels the execution; a second one ends the process as usual. */
async function cancellable<Answer>(work: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
  const cancel = new AbortController();
  const onInterrupt = (): void => cancel.abort();
  process.once("SIGINT", onInterrupt);
  try {
    return await work(cancel.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** Runs a workflow as the flags say, and writes a cassette where one is asked for. */
export async function runAsAsked(
  path: string,
  flags: RunFlags,
  { env, writeError }: RunWorld,
): Promise<RunResult> {
  if (flags.record !== undefined && flags.replay !== undefined)
    throw new CommandError(EXIT.usage, "--record and --replay exclude each other: choose one.");
  const { program } = await loadWorkflow(path);
  const argument = await readArgument(flags.args);
  if (flags.record !== undefined) await requireWritable(flags.record);
  const replay = flags.replay === undefined ? undefined : await readCassette(flags.replay);
  const tell = (line: string): void => writeError(`${withoutControls(line)}\n`);
  try {
    const result = await cancellable((signal) =>
      runWorkflow({
        program,
        argument,
        environment: readEnvironment(flags.env ?? []),
        seed: flags.seed,
        virtualTime: flags.virtualTime === true,
        replay,
        perform: createRealEffects({ env, log: tell }),
        tell,
        trace: flags.trace === true,
        signal,
      }),
    );
    if (flags.record !== undefined) await writeCassette(flags.record, result.cassette);
    return result;
  } catch (error) {
    if (error instanceof CassetteError || error instanceof NonDeterminismError)
      throw new CommandError(EXIT.refused, `${path}: ${error.message}`, error);
    throw error;
  }
}

/** Runs a workflow; its result goes to stdout. @throws {CommandError} with the error as production shows it. */
export async function runFile(path: string, flags: RunFlags, world: RunWorld): Promise<void> {
  const { outcome } = await runAsAsked(path, flags, world);
  if (outcome.state === "SUCCEEDED") {
    world.write(`${prettyJson(outcome.result)}\n`);
    return;
  }
  if (outcome.state === "CANCELLED") throw new CommandError(EXIT.refused, "CANCELLED");
  const { payload, context, stackTrace } = outcome.error;
  // As in the API, numbers of 64 bits are text.
  const elements = stackTrace.elements.map(({ step, routine, position: { line, column, length } }) => ({
    step,
    routine,
    position: { line: String(line), column: String(column), length: String(length) },
  }));
  const error = { payload, context, stackTrace: { elements } };
  throw new CommandError(EXIT.refused, JSON.stringify({ state: "FAILED", error }, null, 2));
}
