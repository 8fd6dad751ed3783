import type { PlanKey } from "../domain/plan-digest.ts";
import type { BuildResult, BuildSpec } from "./builds.ts";

/**
 * What a build and whoever watches it share about it, where no folder is shared: small objects under names such as `ID/fence.json`.
 * Law: `create` answers false and changes nothing when the object is there; of racing creators one wins; what resolved is durable
 * and everybody reads it from then on; `read` is undefined for what is not there, and takes no more of an object into memory than
 * `bytesMax` (default `BUILD_OBJECT_BYTES_MAX`) and one byte, which tells that it was cut: builds write objects, and run code of others.
 */
export interface BuildObjects {
  create(name: string, bytes: Uint8Array): Promise<boolean>;
  read(name: string, bytesMax?: number): Promise<Uint8Array | undefined>;
  replace(name: string, bytes: Uint8Array): Promise<void>;
}

/** Bytes of an object of a build. */
export const BUILD_OBJECT_BYTES_MAX = 64 * 1024 * 1024;

/** Objects of one build, by what they are. */
export const BUILD_OBJECTS = {
  /** BuildOrderObject; created once, before the build is. */
  order: "order.json",
  /** SourceObject; created once, before the order: a build needs no access to the code host. */
  source: "source.json",
  /** SubmittedObject; created once, when the build is known to exist. */
  submitted: "submitted.json",
  /** FenceObject; created once, by the one build that does the work. */
  fence: "fence.json",
  /** CancelObject; created once. */
  cancel: "cancel.json",
  /** Addresses of the resources that are being changed, replaced as they change. */
  changing: "changing.json",
  log: "log.txt",
  /** FinishedObject; created once, last. */
  result: "result.json",
} as const;

/** What was asked for, and when. */
export interface BuildOrderObject {
  readonly spec: BuildSpec;
  /** The key of this stack's plan digests: derived, so that it opens nothing else. */
  readonly planKey: PlanKey;
  readonly at: string;
}

/** The files of the closure, each as `base64`. */
export interface SourceObject {
  readonly files: readonly {
    readonly path: string;
    readonly mode: string;
    readonly objectId: string;
    readonly base64: string;
  }[];
}

/** Which build of the build service it is. */
export interface SubmittedObject {
  readonly build: string;
  readonly at: string;
}

/** Which build of the build service does the work. */
export interface FenceObject {
  readonly build: string;
  readonly startedAt: string;
}

/** Somebody wants it to stop. */
export interface CancelObject {
  readonly at: string;
}

/** How it ended. */
export interface FinishedObject {
  readonly result: BuildResult;
  readonly finishedAt: string;
}

/** The name of an object of a build. */
export function buildObject(id: string, object: keyof typeof BUILD_OBJECTS): string {
  return `${id}/${BUILD_OBJECTS[object]}`;
}
