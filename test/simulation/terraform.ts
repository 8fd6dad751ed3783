// Builds without Terraform: each takes a while of virtual time, then plans against, or changes, the simulated state of its stack.
import { createHash } from "node:crypto";
import { invalidArgument } from "../../shared/domain/errors.ts";
import type { BuildResult, Builds, BuildSpec, BuildStatus } from "../../shared/ports/builds.ts";
import { applied, failed, planned } from "../support/builds-fake.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { History } from "./history.ts";
import type { Random } from "../../shared/domain/random.ts";

/** Shortest and longest time of a build. */
const BUILD_MS = { plan: { min: 400, max: 4_000 }, apply: { min: 1_000, max: 10_000 } } as const;
/** Longest time for which a finished build goes unnoticed: its notification is late or missing. */
const NOTICE_MS_MAX = 6_000;
/** Chances of each way in which a build fails. */
const CHANCES = { planFails: 0.06, applyFails: 0.06, interrupted: 0.05, elsewhere: 0.04, late: 0.2 } as const;

interface Build {
  readonly id: string;
  readonly spec: BuildSpec;
  readonly startedAt: string;
  noticedAt: number;
  /** 0 to 1, decides how it ends. */
  readonly fate: number;
  result?: BuildResult;
  finishedAt?: string;
}

/** The simulated state of one stack: what is deployed, and how often it changed. */
interface StackState {
  serial: number;
  content: string;
}

const hash = (...parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("\n")).digest("hex");

function planResult(spec: BuildSpec, state: StackState): BuildResult {
  const nothing = state.content === spec.closureDigest;
  const counts = { create: nothing ? 0 : 1, update: 0, replace: 0, delete: 0, read: 0 };
  const digest = hash(nothing ? "nothing" : `${state.content} → ${spec.closureDigest}`);
  return planned(spec, {
    digest: `plan-sha256:test:${digest}`,
    planBlob: `sha256:${hash(digest, String(state.serial))}`,
    canonicalBlob: `sha256:${digest}`,
    stateSerial: state.serial,
    counts,
    ...(nothing ? { changes: [] } : {}),
  });
}

/** What an apply does to the state, and reports. */
function applyResult(spec: BuildSpec, state: StackState, fate: number): BuildResult {
  if (state.serial !== spec.stateSerial) return failed("STALE_STATE");
  if (fate < CHANCES.applyFails) return failed("APPLY_FAILED");
  state.serial += 1;
  if (fate < CHANCES.applyFails + CHANCES.interrupted) {
    state.content = `half of ${spec.closureDigest}`;
    return failed("INTERRUPTED", ["terraform_data.a"]);
  }
  state.content = spec.closureDigest;
  return { ...applied(), stateSerial: state.serial } as BuildResult;
}

/** What simulated builds are made from. */
export interface SimulatedBuildsOptions {
  readonly time: Clock;
  readonly random: Random;
  readonly history: History;
  /** Told when two applies of a stack overlap. */
  readonly broken: (what: string) => void;
  /** No build fails by chance any more. */
  readonly healed: () => boolean;
  /** How long a build takes; default: a while, by chance. */
  readonly durationMs?: (spec: BuildSpec) => number;
}

const BUILD_ID = /^[a-z0-9][a-z0-9-]{0,199}$/;

function logOf({ result }: Build): string {
  const end = result === undefined ? "" : `It is ${result.state}.\n`;
  return `Terraform v1.11.4\nterraform_data.a: Creating...\n${end}`;
}

/** Builds that outlive the process, as the build program does. */
export function createSimulatedBuilds(options: SimulatedBuildsOptions) {
  const { time, random, history, broken, healed } = options;
  const byChance = ({ kind }: BuildSpec): number => {
    const { min, max } = BUILD_MS[kind];
    return min + random.uniform() * (max - min);
  };
  const durationMs = options.durationMs ?? byChance;
  const builds = new Map<string, Build>();
  const states = new Map<string, StackState>();
  const stateOf = (stack: string): StackState => {
    const known = states.get(stack) ?? { serial: 0, content: "" };
    states.set(stack, known);
    return known;
  };
  const end = (build: Build, result: BuildResult): void => {
    build.result = result;
    build.finishedAt = time.now().toISOString();
    const reason = result.state === "failed" ? ` ${result.reason}` : "";
    history.add("build", `${build.id} ends ${result.state}${reason}`);
  };
  /** Ends a build from outside; that is noticed at once. */
  const stop = (id: string, result: BuildResult): void => {
    const build = builds.get(id);
    if (build === undefined || build.result !== undefined) return;
    build.noticedAt = 0;
    end(build, result);
  };
  const endByItself = (build: Build): void => {
    if (build.result !== undefined) return;
    const { spec, fate } = build;
    const state = stateOf(spec.stack);
    if (spec.kind === "apply") end(build, applyResult(spec, state, fate));
    else end(build, fate < CHANCES.planFails ? failed("PLAN_FAILED") : planResult(spec, state));
  };
  const noticeOverlap = (id: string, spec: BuildSpec): void => {
    const other = [...builds.values()].find(
      (each) => each.spec.kind === "apply" && each.spec.stack === spec.stack && each.result === undefined,
    );
    if (other !== undefined) broken(`${id} starts while ${other.id} applies ${spec.stack}`);
  };

  const port: Builds = {
    async start(id, spec) {
      if (!BUILD_ID.test(id)) throw invalidArgument("id", `${JSON.stringify(id)} is not a build id.`);
      if (builds.has(id)) return;
      if (spec.kind === "apply") {
        noticeOverlap(id, spec);
        // Someone changed the state by hand since the plan was made.
        if (!healed() && random.uniform() < CHANCES.elsewhere) stateOf(spec.stack).serial += 1;
      }
      const takesMs = durationMs(spec);
      const late = !healed() && random.uniform() < CHANCES.late ? random.uniform() * NOTICE_MS_MAX : 0;
      const fate = healed() ? 1 : random.uniform();
      const noticedAt = time.now().getTime() + takesMs + late;
      const build: Build = { id, spec, startedAt: time.now().toISOString(), noticedAt, fate };
      builds.set(id, build);
      history.add("build", `${id} starts`);
      void time.sleep(takesMs).then(() => endByItself(build));
    },
    async status(id): Promise<BuildStatus> {
      const build = builds.get(id);
      if (build === undefined) return { state: "unknown" };
      const { result, startedAt, finishedAt = startedAt } = build;
      if (result === undefined || build.noticedAt > time.now().getTime())
        return { state: "running", startedAt };
      return { state: "done", result, finishedAt };
    },
    async logs(id, offset) {
      const build = builds.get(id);
      const text = build === undefined ? "" : logOf(build);
      return { text: text.slice(offset), next: text.length, complete: build?.result !== undefined };
    },
    cancel: async (id) => stop(id, failed("CANCELLED")),
  };
  return {
    builds: port,
    /** The build's process is gone without a result, as after the out-of-memory killer. */
    kill: (id: string): void => stop(id, failed("INTERRUPTED", ["terraform_data.a"])),
    /** What is deployed of a stack: the closure digest that was applied last. */
    deployed: (stack: string): string => stateOf(stack).content,
  };
}

/** The simulated builds. */
export type SimulatedBuilds = ReturnType<typeof createSimulatedBuilds>;
