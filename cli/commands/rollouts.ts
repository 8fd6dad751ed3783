// What a person does to a rollout: move it on, pause it, end it, try a version again; and to a run: cancel it.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { RolloutAnswer } from "../../services/api/rollouts/ports.ts";
import { CommandError, EXIT } from "../exit.ts";
import { lastId, shortName, teamResource } from "../names.ts";
import {
  type CommandContext,
  listAll,
  type Resource,
  type Session,
  session,
  textOf,
  validatable,
} from "../output.ts";

/** One thing that can be done to a rollout. */
interface Verb {
  readonly command: string;
  readonly description: string;
  readonly method: "advance" | "pause" | "abort" | "retry";
  readonly body?: Readonly<Record<string, unknown>>;
  /** Takes an endpoint's name for the rollout that runs there. */
  readonly takesEndpoint: boolean;
  readonly example: string;
  readonly words: (rollout: RolloutAnswer) => string;
}

const versionOf = ({ modelVersion }: RolloutAnswer): string => `version ${lastId(modelVersion)}`;

const VERBS: readonly Verb[] = [
  {
    command: "advance",
    description: "End a rollout's step early; recorded as an override, and never against a verdict of fail",
    method: "advance",
    takesEndpoint: true,
    example: "advance ranker --reason 'quiet night, seen enough'",
    words: (rollout) =>
      rollout.state === "PROMOTED"
        ? `${versionOf(rollout)} is promoted: it has 100 %.`
        : `${versionOf(rollout)} has ${rollout.weight} % now (step ${rollout.step + 1}).`,
  },
  {
    command: "pause",
    description: "Stop a rollout at its weights; a verdict of fail and the time limit still end it",
    method: "pause",
    takesEndpoint: true,
    example: "pause ranker --reason 'waiting for the data team'",
    words: (rollout) =>
      `${versionOf(rollout)} stays at ${rollout.weight} % until \`signalbox unpause ${lastId(rollout.name)} --reason '…'\`.`,
  },
  {
    command: "unpause",
    description: "Let a paused rollout go on",
    method: "pause",
    body: { paused: false },
    takesEndpoint: true,
    example: "unpause ranker --reason 'the data are fine'",
    words: (rollout) => `${versionOf(rollout)} goes on from ${rollout.weight} %.`,
  },
  {
    command: "abort",
    description: "End a rollout, running or waiting: weights go back, without a hold and without blame",
    method: "abort",
    takesEndpoint: true,
    example: "abort ranker --reason 'wrong artifact'",
    words: (rollout) => `The rollout of ${versionOf(rollout)} is aborted: it has no traffic.`,
  },
  {
    command: "retry",
    description: "Try a version again that was rolled back or aborted; it waits like any other",
    method: "retry",
    takesEndpoint: false,
    example: "retry ranker-3-1-d336 --reason 'the feature store was down, not the model'",
    words: (rollout) => `${versionOf(rollout)} is tried again as ${lastId(rollout.name)}: ${rollout.state}.`,
  },
];

/** The rollout of a whole name, of an id as `signalbox rollouts` shows it, or the running one of an endpoint. */
async function rolloutNamed(api: Session, given: string, team: string, verb: Verb): Promise<string> {
  if (given.includes("/rollouts/")) return given;
  if (verb.takesEndpoint) {
    const endpoint = teamResource("endpoints", given, team);
    const found = await orNotFound(api.get<Resource>(`/v1/${endpoint}`));
    const running = textOf(found, "running");
    if (running !== undefined) return running;
    if (found !== undefined) {
      throw new CommandError(
        EXIT.refused,
        `No rollout runs on ${endpoint}: name one that waits by its id, as \`signalbox rollouts\` shows it.`,
      );
    }
  }
  const all = await listAll<Resource>(api, "/v1/teams/-/endpoints/-/rollouts");
  const names = all.map((row) => textOf(row, "name") ?? "").filter((name) => lastId(name) === given);
  const [only, another] = names;
  if (only !== undefined && another === undefined) return only;
  throw new CommandError(
    only === undefined ? EXIT.notFound : EXIT.usage,
    only === undefined
      ? `There is no rollout ${given}: \`signalbox rollouts\` lists them.`
      : `Rollout ${given} could be ${names.join(" or ")}: give the whole name.`,
  );
}

async function orNotFound<Body>(read: Promise<Body>): Promise<Body | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof CommandError && error.exit === EXIT.notFound) return undefined;
    throw error;
  }
}

function addVerb(program: Command, context: CommandContext, verb: Verb): void {
  validatable(program.command(`${verb.command} <rollout>`))
    .description(verb.description)
    .requiredOption("--reason <words>", "why; kept in the history")
    .option("--team <team>", "team of a short endpoint name", "default")
    .addHelpText(
      "after",
      `\n<rollout> is its name or id${verb.takesEndpoint ? ", or the endpoint where it runs" : ""}.\n\nExample:\n  $ signalbox ${verb.example}`,
    )
    .action(async (given: string, options: { reason: string; team: string }, command: Command) => {
      const api = session(command, context);
      const name = await rolloutNamed(api, given, options.team, verb);
      const answer = await api.post<RolloutAnswer>(`/v1/${name}:${verb.method}`, {
        reason: options.reason,
        requestId: randomUUID(),
        ...verb.body,
      });
      api.print(answer, verb.words(answer));
    });
}

function addCancel(program: Command, context: CommandContext): void {
  validatable(program.command("cancel <run>"))
    .description("Cancel a Ray run")
    .requiredOption("--reason <words>", "why; kept in the history")
    .option("--team <team>", "team of a short run name", "default")
    .addHelpText("after", "\nExample:\n  $ signalbox cancel clean-catalogue --reason 'wrong input'")
    .action(async (given: string, { reason, team }: { reason: string; team: string }, command: Command) => {
      const api = session(command, context);
      const name = teamResource("runs", given, team);
      const answer = await api.post<Resource>(`/v1/${name}:cancel`, { reason });
      api.print(answer, `${shortName(name)} is ${(textOf(answer, "state") ?? "cancelled").toLowerCase()}.`);
    });
}

/** Adds `advance`, `pause`, `unpause`, `abort`, `retry` and `cancel`. */
export function addRolloutMoves(program: Command, context: CommandContext): void {
  for (const verb of VERBS) addVerb(program, context, verb);
  addCancel(program, context);
}
