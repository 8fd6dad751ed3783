// Builds without Terraform: each takes a while of virtual time, then plans against, or changes, the simulated state of its stack.
import { createHash } from "node:crypto";
import type { BuildResult, Builds, BuildSpec, BuildStatus } from "../../shared/ports/builds.ts";
import { applied, failed, planned } from "../support/builds-fake.ts";
import type { History } from "./history.ts";
import type { Random } from "../../shared/domain/random.ts";

/** Shortest and longest time of a build. */
const BUILD_MS = { min: 500, max: 6_000 } as const;
/** Longest time for which a finished build goes unnoticed: its notification is late or missing. */
const NOTICE_MS_MAX = 8_000;
/** Chances of each way in which a build fails. */
const CHANCES = { planFails: 0.06, applyFails: 0.06, interrupted: 0.05, elsewhere: 0.04, late: 0.2 } as const;

interface Build {
  readonly id: string;
  readonly spec: BuildSpec;
  readonly startedAt: string;
  readonly endsAt: number;
  readonly noticedAt: number;
  /** 0 to 1, decides how it ends. */
  readonly fate: number;
  result?: BuildResult;
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

/** Builds that outlive the process, as the build program does. `broken` is told when two applies of a stack overlap. */
export function createSimulatedBuilds(options: {
  readonly now: () => Date;
  readonly random: Random;
  readonly history: History;
  readonly broken: (what: string) => void;
  /** No build fails by chance any more. */
  readonly healed: () => boolean;
}) {
  const { now, random, history, broken, healed } = options;
  const builds = new Map<string, Build>();
  const states = new Map<string, StackState>();
  const stateOf = (stack: string): StackState => {
    const known = states.get(stack) ?? { serial: 0, content: "" };
    states.set(stack, known);
    return known;
  };

  const end = (build: Build): void => {
    const { spec, fate } = build;
    const state = stateOf(spec.stack);
    if (spec.kind === "plan")
      build.result = fate < CHANCES.planFails ? failed("PLAN_FAILED") : planResult(spec, state);
    else build.result = applyResult(spec, state, fate);
    const reason = build.result.state === "failed" ? ` ${build.result.reason}` : "";
    history.add("build", `${build.id} ends ${build.result.state}${reason}`);
  };
  /** Ends what has come to its end by now, in the order of time. */
  const tick = (): void => {
    const at = now().getTime();
    const due = [...builds.values()].filter((build) => build.result === undefined && build.endsAt <= at);
    for (const build of due.toSorted((one, other) => one.endsAt - other.endsAt)) end(build);
  };

  const port: Builds = {
    async start(id, spec) {
      tick();
      if (builds.has(id)) return;
      const at = now().getTime();
      const overlap = [...builds.values()].find(
        (other) =>
          other.spec.kind === "apply" && other.spec.stack === spec.stack && other.result === undefined,
      );
      if (spec.kind === "apply" && overlap !== undefined)
        broken(`${id} starts while ${overlap.id} applies ${spec.stack}`);
      if (spec.kind === "apply" && random.uniform() < CHANCES.elsewhere && !healed()) {
        // Someone changed the state by hand since the plan was made.
        stateOf(spec.stack).serial += 1;
      }
      const endsAt = at + BUILD_MS.min + random.uniform() * (BUILD_MS.max - BUILD_MS.min);
      const late = random.uniform() < CHANCES.late ? random.uniform() * NOTICE_MS_MAX : 0;
      const fate = healed() ? 1 : random.uniform();
      builds.set(id, {
        id,
        spec,
        startedAt: now().toISOString(),
        endsAt,
        noticedAt: endsAt + late,
        fate,
      });
      history.add("build", `${id} starts`);
    },
    async status(id): Promise<BuildStatus> {
      tick();
      const build = builds.get(id);
      if (build === undefined) return { state: "unknown" };
      const { result, startedAt } = build;
      if (result === undefined || build.noticedAt > now().getTime()) return { state: "running", startedAt };
      return { state: "done", result, finishedAt: new Date(build.endsAt).toISOString() };
    },
    logs: async () => ({ text: "", next: 0, complete: false }),
    cancel: async () => {},
  };
  return {
    builds: port,
    tick,
    /** What is deployed of a stack: the closure digest that was applied last. */
    deployed: (stack: string): string => stateOf(stack).content,
    specOf: (id: string): BuildSpec | undefined => builds.get(id)?.spec,
  };
}

/** The simulated builds. */
export type SimulatedBuilds = ReturnType<typeof createSimulatedBuilds>;
