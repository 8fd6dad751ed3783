// `signalbox judge`: what a rollout policy would do, before anybody depends on it.
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../shared/domain/duration.ts";
import type { Arms } from "../../shared/domain/evidence.ts";
import { REPLAYED_ROLLOUTS_MAX } from "../../shared/domain/judge-replay.ts";
import { type Recording, writeRecording } from "../../shared/domain/recording.ts";
import { ROLLOUT_POLICY_DEFAULTS, RolloutPolicy } from "../../shared/domain/rollout-policy.ts";
import { Value } from "typebox/value";
import { CommandError, EXIT } from "../exit.ts";
import { lastId, teamResource } from "../names.ts";
import { type CommandContext, printer, type Resource, session, textOf } from "../output.ts";
import { planned, planText, trafficOf } from "./plan-command.ts";
import { policyFrom, policyInFile } from "./policy-file.ts";
import { recordedRollout, recordingInFile, recordingOf } from "./recorded.ts";
import { replayed, replayText } from "./replay-command.ts";

const REPLAY_EXAMPLES = `
A recording is a file of JSON lines: readings of counters, which only grow, and, if known, moves of traffic:
  {"time":"2026-01-31T10:42:00Z","version":"1","instance":"pod-a","requests":5120,"errors":3}
  {"time":"2026-01-31T10:42:05Z","weights":{"1":95,"2":5}}

Examples:
  $ signalbox judge replay counters.jsonl --policy careful.yaml
  $ signalbox judge replay counters.jsonl --candidate 2 --control 1
  $ signalbox judge replay --rollout ranker                    the newest rollout of an endpoint
  $ signalbox judge replay --rollout ranker-3-1-d336 --before 24h --save counters.jsonl --json`;

const PLAN_EXAMPLES = `
Examples:
  $ signalbox judge plan ranker
  $ signalbox judge plan ranker --over 24h --policy careful.yaml`;

function durationMs(text: string): number {
  const duration = parseDuration(text);
  if (duration !== undefined && duration > 0) return duration;
  throw new InvalidArgumentError("Write a number with s, m, h or d, such as 30m.");
}

const lengthOption = (flags: string, description: string, length: string): Option =>
  new Option(flags, description).argParser(durationMs).default(durationMs(length), length);

function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1 && count <= most) return count;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };
}

interface ReplayOptions {
  readonly rollout?: string;
  readonly team: string;
  readonly policy?: string;
  readonly before: number;
  readonly control?: string;
  readonly candidate?: string;
  readonly rollouts: number;
  readonly seed: number;
  readonly save?: string;
}

interface Found {
  readonly recording: Recording;
  readonly arms: Arms | undefined;
  readonly untilMs: number;
  readonly version?: string;
  readonly policy: RolloutPolicy;
  readonly really?: string;
}

function inFile(file: string, { control, candidate }: ReplayOptions): Found {
  const recording = recordingInFile(file);
  const untilMs = recording.samples.reduce((latest, { timeMs }) => Math.max(latest, timeMs), 0);
  const arms = candidate === undefined ? undefined : { candidate, control: control ?? null };
  const found = { recording, arms, untilMs, policy: ROLLOUT_POLICY_DEFAULTS };
  return control === undefined ? found : { ...found, version: control };
}

async function inControlPlane(
  given: string,
  options: ReplayOptions,
  command: Command,
  context: CommandContext,
) {
  const api = session(command, context);
  const rollout = await recordedRollout(api, given, options.team);
  const { name, startTime, endTime, policy, previous } = rollout;
  if (typeof startTime !== "string" || !Value.Check(RolloutPolicy, policy))
    throw new CommandError(EXIT.refused, `${String(name)} has not started yet: there is nothing to replay.`);
  const untilMs = typeof endTime === "string" ? Date.parse(endTime) : context.now();
  const endpoint = String(name).split("/rollouts/")[0] ?? "";
  const recording = await recordingOf(
    api,
    endpoint,
    Date.parse(startTime) - options.before,
    Math.min(context.now(), untilMs + options.before),
  );
  const control = typeof previous === "string" ? previous : null;
  const arms = { candidate: textOf(rollout, "modelVersion") ?? "", control };
  const seconds = (untilMs - Date.parse(startTime)) / 1_000;
  const why = textOf(rollout, "reason") ?? textOf(rollout["judgement"] as Resource | undefined, "sentence");
  const really = `${lastId(String(name))} is ${String(rollout["state"])} ${Math.round(seconds)} s after its start. ${why ?? ""}`;
  return { recording, arms, untilMs, policy, really };
}

function addReplay(judge: Command, context: CommandContext): void {
  judge
    .command("replay [recording]")
    .description("Run a policy over recorded counters: false rollbacks, time to verdict, time to see a fault")
    .option(
      "--rollout <name>",
      "take what the control plane recorded around this rollout, or an endpoint's newest",
    )
    .option("--team <team>", "team of a short name", "default")
    .option("--policy <file>", "YAML with a rollout: block (default: the rollout's own, or the defaults)")
    .addOption(
      lengthOption("--before <time>", "healthy traffic before and after the rollout to replay", "6h"),
    )
    .option("--control <version>", "of a file: the healthy version (default: the one with the most requests)")
    .option("--candidate <version>", "of a file with moves: judge this version's rollout as well")
    .option("--rollouts <count>", "how many rollouts to replay", wholeUpTo(REPLAYED_ROLLOUTS_MAX), 1_000)
    .option("--seed <number>", "the same seed gives the same answer", wholeUpTo(1e9), 1)
    .option("--save <file>", "keep what was read as a recording")
    .addHelpText("after", REPLAY_EXAMPLES)
    .action(async (file: string | undefined, options: ReplayOptions, command: Command) => {
      if ((file === undefined) === (options.rollout === undefined))
        throw new CommandError(
          EXIT.usage,
          "Give a recording or --rollout, one of the two (signalbox judge replay --help).",
        );
      const found: Found =
        file === undefined
          ? await inControlPlane(options.rollout ?? "", options, command, context)
          : inFile(file, options);
      if (options.save !== undefined) writeFileSync(options.save, writeRecording(found.recording));
      const policy = options.policy === undefined ? found.policy : policyInFile(options.policy);
      const { rollouts, seed } = options;
      const { recording, arms, untilMs, version, really } = found;
      const answer = replayed({ policy, recording, arms, untilMs, version, rollouts, seed, really });
      printer(command, context)(answer, replayText(answer));
    });
}

interface PlanOptions {
  readonly team: string;
  readonly policy?: string;
  readonly over: number;
}

function addPlan(judge: Command, context: CommandContext): void {
  judge
    .command("plan <endpoint>")
    .description(
      "How long a rollout takes at the traffic of now, or why it cannot be proven and what would help",
    )
    .option("--team <team>", "team of a short endpoint name", "default")
    .option("--policy <file>", "YAML with a rollout: block (default: the endpoint's own)")
    .addOption(lengthOption("--over <time>", "count the traffic of so long until now", "15m"))
    .addHelpText("after", PLAN_EXAMPLES)
    .action(async (given: string, options: PlanOptions, command: Command) => {
      const api = session(command, context);
      const name = teamResource("endpoints", given, options.team);
      const endpoint = await api.get<Resource>(`/v1/${name}`);
      const policy =
        options.policy === undefined
          ? policyFrom(endpoint["rollout"], `The rollout policy of ${name}`)
          : policyInFile(options.policy);
      const now = context.now();
      const recording = await recordingOf(api, name, now - options.over, now);
      const answer = planned(name, policy, trafficOf(recording));
      api.print(answer, planText(answer));
    });
}

/** Adds `judge replay` and `judge plan`. */
export function addJudge(program: Command, context: CommandContext): void {
  const judge = program
    .command("judge")
    .description("Try a rollout policy: replay recorded counters, plan a rollout")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox judge plan ranker\n  $ signalbox judge replay --rollout ranker",
    );
  addReplay(judge, context);
  addPlan(judge, context);
}
