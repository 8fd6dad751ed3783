// What a person does to an endpoint: take its traffic back, and let it go on.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { lastId, sharesText, teamResource } from "../names.ts";
import {
  type CommandContext,
  type GlobalOptions,
  type Resource,
  type Session,
  session,
  validatable,
} from "../output.ts";
import { followOperation, type Operation } from "./operations.ts";

interface Serving {
  readonly versions: readonly { readonly modelVersion: string; readonly percent: number }[];
}

interface Moved {
  readonly from: string;
  readonly to: string;
  readonly weights: Readonly<Record<string, number>>;
  readonly epoch: number;
  readonly milliseconds: number;
  readonly alreadyMoved: boolean;
  /** Missing in the answer of a control plane from before. */
  readonly drifted?: boolean;
}

/** The answer, or undefined while what it needs is down: a rollback must not wait for that. */
async function ifReadable<Body>(read: Promise<Body>): Promise<Body | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof CommandError && (error.exit === EXIT.unavailable || error.exit === EXIT.notFound))
      return undefined;
    throw error;
  }
}

/** A rollback looks first which version it takes off, but never waits longer for that. */
const READ_FIRST_MS = 1_000;

interface Known {
  /** Versions with traffic, most first. */
  readonly serving: readonly string[];
  /** Versions in good standing, latest first. */
  readonly good: readonly string[];
}

/** What is known about an endpoint. Its traffic is read from its own document, which is there also while the ledger is down. */
async function knownVersions(api: Session, endpoint: string): Promise<Known> {
  const [serving, view] = await Promise.all([
    ifReadable(api.get<Serving>(`/v1/${endpoint}:resolveServing`, READ_FIRST_MS)),
    ifReadable(api.get<Resource>(`/v1/${endpoint}`, READ_FIRST_MS)),
  ]);
  const good = (view?.["goodVersions"] ?? []) as readonly { readonly modelVersion: string }[];
  return {
    serving: serving?.versions.map(({ modelVersion }) => modelVersion) ?? [],
    good: good.map(({ modelVersion }) => modelVersion),
  };
}

/**
 * The version that a rollback takes off when nobody names one: the one that serves; during a split, the new one. Undefined
 * when a split's new version cannot be told: the control plane then knows better.
 */
function versionToLeave({ serving, good }: Known): string | undefined {
  if (serving.length < 2) return serving[0];
  const [base] = good;
  return base !== undefined && serving.includes(base)
    ? serving.find((version) => version !== base)
    : undefined;
}

/** `2` → the version of that id which the endpoint knows; a whole name stays as it is. */
function versionNamed(given: string, { serving, good }: Known, endpoint: string): string {
  if (given.includes("/")) return given;
  const matches = [...new Set([...serving, ...good])].filter((version) => lastId(version) === given);
  const [only, another] = matches;
  if (only !== undefined && another === undefined) return only;
  throw new CommandError(
    EXIT.usage,
    only === undefined
      ? `${endpoint} neither serves a version ${given} nor has one in good standing (serving: ${serving.map(lastId).join(", ") || "none"}; good: ${good.map(lastId).join(", ") || "none"}). Give the whole name: teams/…/models/…/versions/${given}.`
      : `Version ${given} could be ${matches.join(" or ")}: give the whole name.`,
  );
}

const asWho = (name: string): string => name.replace(/^teams\/default\/endpoints\//, "");

function rollbackWords(name: string, moved: Moved): string {
  const now = `it serves ${sharesText(moved.weights) || "nothing"} (epoch ${moved.epoch})`;
  const what = moved.alreadyMoved
    ? `${name} had been moved off version ${lastId(moved.from)} already: ${now}.`
    : `${name} moved from version ${lastId(moved.from)} to ${lastId(moved.to)} in ${moved.milliseconds.toFixed(0)} ms: ${now}.`;
  const drift = moved.drifted === true ? "\nSomebody had changed its route by hand: that is undone." : "";
  return `${what}${drift}\n${heldWords(name)}`;
}

/** What a rollback leaves behind. */
const heldWords = (name: string): string =>
  `It is held: nothing rolls out until \`signalbox resume ${asWho(name)} --reason '…'\`.`;

interface RollbackOptions {
  readonly reason: string;
  readonly team: string;
  readonly from?: string;
  readonly to?: string;
  readonly force?: boolean;
  readonly wait: boolean;
}

function addRollback(program: Command, context: CommandContext): void {
  validatable(program.command("rollback <endpoint>"))
    .description("Move an endpoint's traffic back to its last good version, at once")
    .requiredOption("--reason <words>", "why; kept in the history")
    .option("--team <team>", "team of a short endpoint name", "default")
    .option(
      "--from <version>",
      "the version to leave; default: the one that serves, or the new one of a split",
    )
    .option("--to <version>", "the version to go to; default: the last good one")
    .option("--force", "move at once, also to a version that is scaled down or does not answer")
    .option("--no-wait", "do not wait for a version that is scaled down to be warmed")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox rollback ranker --reason 'errors on checkout'\n  $ signalbox rollback search/ranker --from 7 --to 5 --reason 'as agreed'",
    )
    .action(async (endpoint: string, options: RollbackOptions, command: Command) => {
      const api = session(command, context);
      const name = teamResource("endpoints", endpoint, options.team);
      const known = await knownVersions(api, name);
      const from =
        options.from === undefined ? versionToLeave(known) : versionNamed(options.from, known, name);
      const answer = await api.post<Moved | Operation>(`/v1/${name}:rollback`, {
        reason: options.reason,
        requestId: randomUUID(),
        ...(from === undefined ? {} : { from }),
        ...(options.to === undefined ? {} : { to: versionNamed(options.to, known, name) }),
        ...(options.force === true ? { force: true } : {}),
      });
      if (!("metadata" in answer)) return api.print(answer, rollbackWords(name, answer));
      const { json = false, validateOnly = false } = command.optsWithGlobals<GlobalOptions>();
      // An operation that is only validated never is.
      if (options.wait && !validateOnly) {
        await followOperation(api, answer, { json, context });
        if (!json) context.write(`${heldWords(name)}\n`);
        return undefined;
      }
      const words = `${answer.metadata.to} is being warmed; traffic moves when it is ready. signalbox wait ${answer.name}`;
      return api.print(answer, words);
    });
}

function addResume(program: Command, context: CommandContext): void {
  validatable(program.command("resume <endpoint>"))
    .description("Clear an endpoint's hold; the oldest waiting rollout starts")
    .requiredOption("--reason <words>", "why it may go on; kept in the history")
    .option("--team <team>", "team of a short endpoint name", "default")
    .addHelpText("after", "\nExample:\n  $ signalbox --as grace resume ranker --reason 'looked at it'")
    .action(
      async (endpoint: string, { reason, team }: { reason: string; team: string }, command: Command) => {
        const api = session(command, context);
        const name = teamResource("endpoints", endpoint, team);
        const answer = await api.post<{ resumed: boolean }>(`/v1/${name}:resume`, { reason });
        // Nothing to resume is also what an endpoint answers that does not exist: say so.
        if (!answer.resumed) await api.get(`/v1/${name}`);
        const words = answer.resumed
          ? `${name} is resumed: the oldest waiting rollout starts, if there is one.`
          : `${name} was not held; nothing changed.`;
        api.print(answer, words);
      },
    );
}

/** Adds `rollback` and `resume`. */
export function addTraffic(program: Command, context: CommandContext): void {
  addRollback(program, context);
  addResume(program, context);
}
