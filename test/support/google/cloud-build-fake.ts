// A fake of Cloud Build's REST API that really runs the steps of its builds, as child processes. Written from cloudbuild.proto of
// @google-cloud/cloudbuild and cloud.google.com/build/docs. It keeps state and publishes what the topic `cloud-builds` would get.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { killContainer } from "./container.ts";
import { type RestAnswer, restError, type RestFake, type RestRequest } from "./rest-front.ts";

/** Numbers of Build.Status. */
const STATUS = {
  PENDING: 10,
  QUEUED: 1,
  WORKING: 2,
  SUCCESS: 3,
  FAILURE: 4,
  INTERNAL_ERROR: 5,
  TIMEOUT: 6,
  CANCELLED: 7,
  EXPIRED: 9,
} as const;
/** A status of a build. */
export type FakeStatus = keyof typeof STATUS;

/** A step as a client may ask for it. */
export interface FakeStep {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly secretEnv?: readonly string[];
}

/** A build as the fake keeps it. */
export interface FakeBuild {
  readonly id: string;
  readonly tags: readonly string[];
  readonly steps: readonly FakeStep[];
  readonly createTime: string;
  readonly request: Readonly<Record<string, unknown>>;
  status: FakeStatus;
  finishTime?: string;
  child?: ChildProcess;
}

/** A message of the topic `cloud-builds`. */
export interface FakeNotification {
  readonly data: Buffer;
  readonly attributes: { readonly buildId: string; readonly status: string };
}

/** What the fake is made of. */
export interface CloudBuildFakeOptions {
  readonly project: string;
  readonly location: string;
  /** What the image's entrypoint is here. */
  readonly entrypoint: readonly [string, ...string[]];
  /** Variables that the worker has beside those of the step. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The fake, and what a test may do to it. */
export interface CloudBuildFake {
  readonly handle: RestFake;
  readonly builds: Map<string, FakeBuild>;
  readonly notifications: FakeNotification[];
  /** No machine is free: builds stay in the queue until `free`. */
  readonly full: () => void;
  readonly free: () => void;
  /** Ends a build so, without a word to its program. */
  readonly end: (build: FakeBuild, status: FakeStatus) => void;
  readonly close: () => Promise<void>;
}

const FIELDS = new Set([
  "steps",
  "timeout",
  "queueTtl",
  "logsBucket",
  "options",
  "substitutions",
  "tags",
  "serviceAccount",
  "availableSecrets",
  "source",
  "timing",
  "images",
  "secrets",
  "warnings",
  "dependencies",
]);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** Bytes of an argument of a step (cloud.google.com/build/docs/build-config-file-schema#args). */
const ARGUMENT_MAX = 10_000;

/** What is wrong with a request, in Cloud Build's manner. */
function problemOf(build: Readonly<Record<string, unknown>>): string | undefined {
  const unknown = Object.keys(build).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) return `Invalid JSON payload received. Unknown name "${unknown}" at 'build'`;
  const {
    steps = [],
    tags = [],
    options = {},
    serviceAccount,
    logsBucket,
  } = build as {
    steps?: readonly FakeStep[];
    tags?: readonly string[];
    options?: { logging?: unknown };
    serviceAccount?: string;
    logsBucket?: string;
  };
  if (steps.length === 0) return "build must specify at least one step";
  if (steps.some(({ name }) => typeof name !== "string" || name === ""))
    return "build step must specify name";
  if (steps.some(({ args = [] }) => args.some((arg) => arg.length > ARGUMENT_MAX)))
    return "build step arg too long";
  const bad = tags.find((tag) => !TAG.test(tag));
  if (bad !== undefined) return `invalid build tag: ${bad}`;
  const chosen =
    logsBucket !== undefined || [4, 5, "NONE", "CLOUD_LOGGING_ONLY"].includes(options.logging as never);
  if (serviceAccount !== undefined && !chosen)
    return "if 'build.service_account' is specified, the build must either specify 'build.logs_bucket', use CLOUD_LOGGING_ONLY or NONE logging options";
  if (serviceAccount !== undefined && !/^projects\/[^/]+\/serviceAccounts\/[^/]+@[^/]+$/.test(serviceAccount))
    return `invalid service account: ${serviceAccount}`;
  return undefined;
}

/** Starts a fake in which nothing was built yet. */
export function createCloudBuildFake(options: CloudBuildFakeOptions): CloudBuildFake {
  const { project, location, entrypoint, environment = {} } = options;
  const builds = new Map<string, FakeBuild>();
  const notifications: FakeNotification[] = [];
  let isFull = false;
  const parent = `projects/${project}/locations/${location}`;

  const shown = (build: FakeBuild, asNumbers: boolean) => {
    const { id, tags, status, createTime, finishTime, request } = build;
    const end = finishTime === undefined ? {} : { finishTime };
    const told = asNumbers ? STATUS[status] : status;
    return {
      ...request,
      name: `${parent}/builds/${id}`,
      id,
      projectId: project,
      tags,
      status: told,
      createTime,
      ...end,
    };
  };
  const set = (build: FakeBuild, status: FakeStatus): void => {
    build.status = status;
    const data = Buffer.from(JSON.stringify(shown(build, false)));
    notifications.push({ data, attributes: { buildId: build.id, status } });
  };
  const end = (build: FakeBuild, status: FakeStatus): void => {
    if (build.finishTime !== undefined) return;
    build.finishTime = new Date().toISOString();
    set(build, status);
    if (build.child?.pid !== undefined && build.child.exitCode === null) killContainer(build.child.pid);
  };
  const run = (build: FakeBuild): void => {
    const [step] = build.steps;
    const substitutions: Record<string, string> = {
      BUILD_ID: build.id,
      PROJECT_ID: project,
      LOCATION: location,
    };
    const filled = (text: string): string =>
      text.replaceAll(/\$\$|\$\{?([A-Z_]+)\}?/g, (all, name?: string) =>
        name === undefined ? "$" : (substitutions[name] ?? all),
      );
    const env = Object.fromEntries(
      (step?.env ?? [])
        .map((each) => filled(each))
        .map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]),
    );
    const [command, ...args] = entrypoint;
    const child = spawn(command, [...args, ...(step?.args ?? []).map(filled)], {
      env: { ...environment, ...env },
      detached: true,
      stdio: ["ignore", "ignore", "inherit"],
    });
    build.child = child;
    set(build, "WORKING");
    child.once("exit", (code) => end(build, code === 0 ? "SUCCESS" : "FAILURE"));
    child.once("error", () => end(build, "FAILURE"));
  };

  const create = (request: RestRequest, asNumbers: boolean): RestAnswer => {
    const asked = JSON.parse(request.body.toString("utf8") || "{}") as Record<string, unknown>;
    const problem = problemOf(asked);
    if (problem !== undefined) return restError(400, "INVALID_ARGUMENT", problem);
    const { tags = [], steps = [] } = asked as { tags?: string[]; steps?: FakeStep[] };
    const build: FakeBuild = {
      id: randomUUID(),
      tags,
      steps,
      createTime: new Date().toISOString(),
      request: asked,
      status: "QUEUED",
    };
    builds.set(build.id, build);
    set(build, "QUEUED");
    const metadata = {
      "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata",
      build: shown(build, asNumbers),
    };
    if (!isFull) run(build);
    return { status: 200, body: { name: `operations/build/${project}/${build.id}`, metadata } };
  };
  const list = ({ query }: RestRequest, asNumbers: boolean): RestAnswer => {
    const filter = query.get("filter") ?? "";
    const tag = /^tags="([^"]+)"$/.exec(filter)?.[1];
    if (filter !== "" && tag === undefined)
      return restError(400, "INVALID_ARGUMENT", `invalid filter: ${filter}`);
    // Newest first.
    const found = [...builds.values()]
      .toReversed()
      .filter(({ tags }) => tag === undefined || tags.includes(tag));
    const size = Number(query.get("pageSize") ?? 50);
    const token = query.get("pageToken") ?? "0";
    if (!/^[0-9]+$/.test(token)) return restError(400, "INVALID_ARGUMENT", "invalid page token");
    const end = Number(token) + size;
    const page = found.slice(Number(token), end).map((build) => shown(build, asNumbers));
    const next = end < found.length ? { nextPageToken: String(end) } : {};
    return { status: 200, body: { builds: page, ...next } };
  };
  const cancel = (build: FakeBuild, asNumbers: boolean): RestAnswer => {
    if (build.finishTime !== undefined)
      return restError(400, "FAILED_PRECONDITION", "build has already finished and cannot be cancelled");
    end(build, "CANCELLED");
    return { status: 200, body: shown(build, asNumbers) };
  };

  const handle = (request: RestRequest): RestAnswer => {
    const { method, path, headers, query } = request;
    if (headers.authorization?.startsWith("Bearer ") !== true)
      return restError(401, "UNAUTHENTICATED", "Request is missing required authentication credential.");
    const match = /^\/v1\/(projects\/[^/]+\/locations\/[^/]+)\/builds(?:\/([^/:]+)(?::(cancel))?)?$/.exec(
      path,
    );
    if (match === null) return restError(404, "NOT_FOUND", `Not found: ${path}`);
    const [, place, id, action] = match;
    if (place !== parent)
      return restError(403, "PERMISSION_DENIED", `The caller does not have permission on ${place ?? ""}`);
    const asNumbers = (query.get("$alt") ?? "").includes("enum-encoding=int");
    if (id === undefined) return method === "POST" ? create(request, asNumbers) : list(request, asNumbers);
    const build = builds.get(id);
    if (build === undefined) return restError(404, "NOT_FOUND", `Requested entity was not found: ${id}`);
    return action === "cancel" ? cancel(build, asNumbers) : { status: 200, body: shown(build, asNumbers) };
  };
  return {
    handle,
    builds,
    notifications,
    end,
    full: () => void (isFull = true),
    free: () => {
      isFull = false;
      for (const build of builds.values()) if (build.status === "QUEUED") run(build);
    },
    close: async () => {
      for (const build of builds.values()) {
        const { child } = build;
        if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
        const gone = new Promise((resolve) => void child.once("exit", resolve));
        killContainer(child.pid);
        await gone;
      }
    },
  };
}
