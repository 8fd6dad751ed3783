// Builds on Cloud Build. Its CreateBuild has no request id, so: the order is an object that is created once; a build is found again by
// its tag; and the program inside takes a fence, so that a twin costs seconds and changes nothing. Order, fence and result decide.
import { BUILD_FAILURES } from "../../domain/build-failure.ts";
import { requireBuildId } from "../../domain/build-id.ts";
import { ControlPlaneError } from "../../domain/errors.ts";
import {
  type BuildObjects,
  type BuildOrderObject,
  buildObject,
  type CancelObject,
  type FenceObject,
  type FinishedObject,
  type SubmittedObject,
} from "../../ports/build-objects.ts";
import type { PlanKey } from "../../domain/plan-digest.ts";
import type { CodeHost } from "../../ports/code-host.ts";
import type { Builds, BuildSpec, BuildStatus } from "../../ports/builds.ts";
import { type BuildClient, type CloudBuildCalls, createBuildCalls } from "./builds-client.ts";
import { endOf } from "./builds-end.ts";
import { createRecord, readRecord } from "./builds-records.ts";
import { type BuildPlace, buildRequest, tagOf } from "./builds-request.ts";
import { sourceOf, stackKey } from "./builds-source.ts";
import type { CloudBuild } from "./builds-wire.ts";
import { type CallsOptions, isAmbiguous } from "./calls.ts";

/** How long somebody else's start may take before it is ours to finish; the list of builds has caught up by then. */
export const BUILD_ADOPTION_MS = 60_000;
/** How long a start waits for the one of another process. */
export const BUILD_START_WAIT_MS = 5_000;
/** Between two looks whether it is done. */
const START_POLL_MS = 100;
/** Bytes of a log that are read: the program keeps 2,000,000 characters, yet a plan runs code of others, which may write more. */
export const BUILD_LOG_BYTES_MAX = 8 * 1024 * 1024;
/** What a cancelled build has to stop by itself before Cloud Build stops it: Terraform's grace, and a margin. */
export const BUILD_CANCEL_PATIENCE_MS = 3 * 60_000;

/** What the adapter is made of. */
export interface CloudBuildsOptions extends CallsOptions {
  readonly client: BuildClient;
  readonly place: BuildPlace;
  readonly objects: BuildObjects;
  readonly codeHost: Pick<CodeHost, "blob">;
  /** The installation's key, from which that of each stack is derived. */
  readonly planKey: PlanKey;
  /** Default: BUILD_CANCEL_PATIENCE_MS. */
  readonly cancelPatienceMs?: number;
}

interface World {
  readonly options: CloudBuildsOptions;
  readonly cloud: CloudBuildCalls;
}

const ageMs = ({ options }: World, at: string): number => options.clock.now().getTime() - Date.parse(at);

async function adopt({ options, cloud }: World, id: string): Promise<boolean> {
  const [oldest] = await cloud.find(tagOf(id));
  if (oldest === undefined) return false;
  await createRecord(options.objects, id, "submitted", { build: oldest.build, at: oldest.createdAt });
  return true;
}

/** Creates the build once. After an answer that says nothing, what the list has is adopted; a second create is for a later start. */
async function submit(world: World, id: string, spec: BuildSpec): Promise<void> {
  const { options, cloud } = world;
  try {
    const { build } = await cloud.create(buildRequest(options.place, id, spec));
    const at = options.clock.now().toISOString();
    await createRecord(options.objects, id, "submitted", { build, at } satisfies SubmittedObject);
  } catch (error) {
    if (!isAmbiguous(error) || !(await adopt(world, id).catch(() => false))) throw error;
  }
}

/** Whether it is known that the build was created. */
async function isSubmitted({ options: { objects } }: World, id: string): Promise<boolean> {
  const submitted = await readRecord<SubmittedObject>(objects, id, "submitted");
  return submitted !== undefined || (await readRecord<FenceObject>(objects, id, "fence")) !== undefined;
}

/** Finishes what another start began: waits for it, adopts its build, or creates one when it is long ago and there is none. */
async function takeOver(world: World, id: string): Promise<void> {
  const { objects, clock } = world.options;
  for (let waitedMs = 0; ; waitedMs += START_POLL_MS) {
    if (await isSubmitted(world, id)) return;
    const order = await readRecord<BuildOrderObject>(objects, id, "order");
    const isOurs = order !== undefined && ageMs(world, order.at) >= BUILD_ADOPTION_MS;
    if (isOurs || waitedMs >= BUILD_START_WAIT_MS) {
      if (await adopt(world, id)) return;
      if (isOurs) return submit(world, id, order.spec);
      const message = `Whether the build ${id} was created is not known yet. It is looked for again.`;
      throw new ControlPlaneError("UNAVAILABLE", message, { reason: "BUILD_NOT_KNOWN_YET" });
    }
    await clock.sleep(START_POLL_MS);
  }
}

async function start(world: World, id: string, spec: BuildSpec): Promise<void> {
  const { objects, clock, place } = world.options;
  // A request that cannot be made leaves no order behind.
  buildRequest(place, id, spec);
  if ((await readRecord<BuildOrderObject>(objects, id, "order")) !== undefined) return takeOver(world, id);
  await createRecord(objects, id, "source", await sourceOf(world.options.codeHost, spec));
  const planKey = stackKey(world.options.planKey, spec.stack);
  const order: BuildOrderObject = { spec, planKey, at: clock.now().toISOString() };
  if (await createRecord(objects, id, "order", order)) return submit(world, id, spec);
  return takeOver(world, id);
}

/** The build that does the work, or will: the one with the fence, else the oldest that has not ended. */
async function buildOf({ options: { objects }, cloud }: World, id: string, fence: FenceObject | undefined) {
  if (fence !== undefined) return cloud.get(fence.build);
  const submitted = await readRecord<SubmittedObject>(objects, id, "submitted");
  const first = submitted === undefined ? undefined : await cloud.get(submitted.build);
  if (first !== undefined && first.phase !== "ended") return first;
  // Before the fence any twin may still come to do the work, so the first one's end is not yet the end.
  const twins = await cloud.find(tagOf(id));
  return twins.find(({ phase }) => phase !== "ended") ?? first ?? twins[0];
}

const done = (finished: FinishedObject): BuildStatus => ({ state: "done", ...finished });

/** Cloud Build says that it is over, and no result was written: that is written down, once. */
async function settle(
  world: World,
  id: string,
  build: CloudBuild | undefined,
  fence: FenceObject | undefined,
): Promise<BuildStatus> {
  const { objects, clock } = world.options;
  const now = clock.now().toISOString();
  if (fence === undefined && build !== undefined) {
    // Nobody began. We take the fence, so that a twin which the list does not show yet cannot begin after this.
    const ours: FenceObject = { build: build.build, startedAt: now };
    if (!(await createRecord(objects, id, "fence", ours))) return { state: "running", startedAt: now };
  }
  const written = await readRecord<FinishedObject>(objects, id, "result");
  if (written !== undefined) return done(written);
  const changing = (await readRecord<readonly string[]>(objects, id, "changing")) ?? [];
  const end = endOf(build, fence !== undefined);
  const result = {
    state: "failed",
    ...end,
    nextStep: BUILD_FAILURES[end.reason].nextStep,
    problems: [],
  } as const;
  const finished: FinishedObject = {
    result: { ...result, resources: changing },
    finishedAt: now,
  };
  await createRecord(objects, id, "result", finished);
  return done((await readRecord<FinishedObject>(objects, id, "result")) ?? finished);
}

async function statusOf(world: World, id: string): Promise<BuildStatus> {
  const { objects, cancelPatienceMs = BUILD_CANCEL_PATIENCE_MS } = world.options;
  const finished = await readRecord<FinishedObject>(objects, id, "result");
  if (finished !== undefined) return done(finished);
  const fence = await readRecord<FenceObject>(objects, id, "fence");
  if (fence === undefined) {
    const order = await readRecord<BuildOrderObject>(objects, id, "order");
    if (order === undefined) return { state: "unknown" };
  }
  const build = await buildOf(world, id, fence);
  // An order without a build: its start has not resolved. A fence without one: Cloud Build has forgotten it, as it does in the end.
  if (build === undefined && fence === undefined) return { state: "unknown" };
  if (build === undefined || build.phase === "ended") return settle(world, id, build, fence);
  const asked = await readRecord<CancelObject>(objects, id, "cancel");
  if (asked !== undefined && ageMs(world, asked.at) > cancelPatienceMs) await world.cloud.cancel(build.build);
  return { state: "running", startedAt: fence?.startedAt ?? build.createdAt };
}

/** Asks the program to stop. One that has not begun is taken out of the queue: nothing can be left half done. */
async function cancel(world: World, id: string): Promise<void> {
  const { objects, clock } = world.options;
  if ((await statusOf(world, id)).state !== "running") return;
  await createRecord(objects, id, "cancel", { at: clock.now().toISOString() } satisfies CancelObject);
  const fence = await readRecord<FenceObject>(objects, id, "fence");
  const build = fence === undefined ? await buildOf(world, id, fence) : undefined;
  if (build?.phase === "waiting") await world.cloud.cancel(build.build);
}

/** The log so far. A character of which a part was copied is held back until it is whole: what was read once must not change. */
function logText(bytes: Uint8Array, complete: boolean): string {
  const isCut = bytes.length > BUILD_LOG_BYTES_MAX;
  const text = new TextDecoder().decode(bytes.subarray(0, BUILD_LOG_BYTES_MAX), {
    stream: isCut || !complete,
  });
  return isCut ? `${text}\n… the log is too long; the rest is not shown\n` : text;
}

/** Builds on Cloud Build, watched through the objects that they share with us. */
export function createCloudBuilds(options: CloudBuildsOptions): Builds {
  const world: World = { options, cloud: createBuildCalls(options.client, options.place, options) };
  const starting = new Map<string, Promise<void>>();
  return {
    start(id, spec) {
      requireBuildId(id);
      const known = starting.get(id);
      if (known !== undefined) return known;
      const started = start(world, id, spec).finally(() => starting.delete(id));
      starting.set(id, started);
      return started;
    },
    status: async (id) => statusOf(world, requireBuildId(id)),
    async logs(id, offset) {
      const { state } = await statusOf(world, requireBuildId(id));
      const complete = state === "done";
      const bytes = await options.objects.read(buildObject(id, "log"), BUILD_LOG_BYTES_MAX);
      const text = logText(bytes ?? new Uint8Array(), complete);
      const from = Math.max(0, Math.min(offset, text.length));
      return { text: text.slice(from), next: text.length, complete };
    },
    cancel: async (id) => cancel(world, requireBuildId(id)),
  };
}
