// A build as Google's client, or a message of the topic `cloud-builds`, has it → what we need of it.
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import { timeOf, type WireTime } from "./executions-wire.ts";
import { OUR_TAG } from "./builds-request.ts";

/** Status by its number (cloudbuild.proto); 8 was never given. */
const STATUSES: Readonly<Record<number, string>> = {
  0: "STATUS_UNKNOWN",
  1: "QUEUED",
  2: "WORKING",
  3: "SUCCESS",
  4: "FAILURE",
  5: "INTERNAL_ERROR",
  6: "TIMEOUT",
  7: "CANCELLED",
  9: "EXPIRED",
  10: "PENDING",
};
const WAITING: ReadonlySet<string> = new Set(["QUEUED", "PENDING"]);
const ENDED: ReadonlySet<string> = new Set([
  "SUCCESS",
  "FAILURE",
  "INTERNAL_ERROR",
  "TIMEOUT",
  "CANCELLED",
  "EXPIRED",
]);

/** What we read of google.devtools.cloudbuild.v1.Build. */
export interface WireBuild {
  readonly id?: string | null;
  readonly status?: string | number | null;
  readonly statusDetail?: string | null;
  readonly createTime?: WireTime | null;
  readonly tags?: readonly string[] | null;
  readonly failureInfo?: { readonly detail?: string | null } | null;
}

/** A build of the build service. */
export interface CloudBuild {
  readonly build: string;
  readonly status: string;
  readonly phase: "waiting" | "working" | "ended";
  readonly detail: string;
  readonly createdAt: string;
  readonly tags: readonly string[];
}

/** Ours from theirs. A status of the future is one of a build that works. */
export function toCloudBuild(wire: WireBuild): CloudBuild {
  const { id, status: given, statusDetail, failureInfo, createTime, tags } = wire;
  if (typeof id !== "string" || id === "")
    throw new ControlPlaneError("INTERNAL", "Cloud Build answered a build without an id.", {
      reason: "UNEXPECTED_ANSWER",
    });
  const status = typeof given === "number" ? (STATUSES[given] ?? String(given)) : (given ?? "STATUS_UNKNOWN");
  return {
    build: id,
    status,
    phase: ENDED.has(status) ? "ended" : WAITING.has(status) ? "waiting" : "working",
    detail: [statusDetail, failureInfo?.detail].find((text) => typeof text === "string" && text !== "") ?? "",
    createdAt: timeOf(createTime) ?? "",
    tags: tags ?? [],
  };
}

/** Bytes of a message that are looked at; Pub/Sub has no larger ones. */
export const BUILD_NOTIFICATION_BYTES_MAX = 10 * 1024 * 1024;

/** What a notification says. It may be late, doubled, out of order or missing: a hint to ask about the build, never its status. */
export interface BuildNotification {
  /** Our id of the build. */
  readonly id: string;
  readonly build: string;
  readonly ended: boolean;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Our id, as the step's variables have it. */
function idOf(build: Readonly<Record<string, unknown>>): string | undefined {
  const [step] = Array.isArray(build["steps"]) ? (build["steps"] as readonly unknown[]) : [];
  const env = isRecord(step) && Array.isArray(step["env"]) ? (step["env"] as readonly unknown[]) : [];
  const named = env.find((each) => typeof each === "string" && each.startsWith("SIGNALBOX_BUILD="));
  return typeof named === "string" ? named.slice("SIGNALBOX_BUILD=".length) : undefined;
}

/**
 * Reads the data of a message of `cloud-builds`: the JSON of a build. Undefined for a build that is not ours; INVALID_ARGUMENT for
 * what is no build. The client's own `Build.fromObject` throws on RFC 3339 times, which is what these messages have.
 */
export function readBuildNotification(data: Uint8Array): BuildNotification | undefined {
  if (data.byteLength > BUILD_NOTIFICATION_BYTES_MAX)
    throw invalidArgument("data", `The notification has more than ${BUILD_NOTIFICATION_BYTES_MAX} bytes.`);
  let build: unknown;
  try {
    build = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    throw invalidArgument(
      "data",
      "The notification is no JSON in UTF-8: nothing else comes from Cloud Build.",
    );
  }
  if (!isRecord(build) || typeof build["id"] !== "string")
    throw invalidArgument("data", "The notification is no build: nothing else comes from Cloud Build.");
  const tags = Array.isArray(build["tags"]) ? (build["tags"] as readonly unknown[]) : [];
  const id = idOf(build);
  if (!tags.includes(OUR_TAG) || id === undefined) return undefined;
  const { status } = build;
  return { id, build: build["id"], ended: typeof status === "string" && ENDED.has(status) };
}
