// The four calls to Cloud Build that we make. Only `parent` and `name` are passed: with a project id the client takes the global path.
import type { CloudBuildClient } from "@google-cloud/cloudbuild/build/src/v1/index.js";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { CallsOptions } from "./calls.ts";
import { createCalls, listed, ONCE } from "./calls.ts";
import { type CloudBuild, toCloudBuild, type WireBuild } from "./builds-wire.ts";

/** Builds of one id that are looked at: one, or a few twins. */
export const BUILDS_OF_ID_MAX = 20;

/** The client that is handed over. */
export type BuildClient = Pick<CloudBuildClient, "createBuild" | "getBuild" | "listBuilds" | "cancelBuild">;
/** What creates a build. */
export type BuildRequest = Parameters<BuildClient["createBuild"]>[0] extends (infer Request) | undefined
  ? NonNullable<(Request & { build?: unknown })["build"]>
  : never;

/** Cloud Build in one place, as far as we use it. */
export interface CloudBuildCalls {
  readonly create: (request: BuildRequest) => Promise<CloudBuild>;
  /** Undefined when there is none of this name. */
  readonly get: (build: string) => Promise<CloudBuild | undefined>;
  /** Oldest first. The list may be behind. */
  readonly find: (tag: string) => Promise<readonly CloudBuild[]>;
  readonly cancel: (build: string) => Promise<void>;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ControlPlaneError && error.code === code;
}

/** The calls, each asked once. */
export function createBuildCalls(
  client: BuildClient,
  { project, location }: { readonly project: string; readonly location: string },
  options: CallsOptions,
): CloudBuildCalls {
  const call = createCalls(options);
  const parent = `projects/${project}/locations/${location}`;
  const nameOf = (build: string): string => `${parent}/builds/${build}`;
  return {
    async create(build) {
      const about = { method: "CreateBuild", doing: "Creating a build", resource: parent };
      const [operation] = await call(about, () => client.createBuild({ parent, build }, ONCE));
      // The operation is not awaited: it ends with the build. Its metadata has the build as it was created.
      return toCloudBuild((operation.metadata as { build?: WireBuild } | null)?.build ?? {});
    },
    async get(build) {
      const about = { method: "GetBuild", doing: `Reading the build ${build}`, resource: nameOf(build) };
      try {
        const [found] = await call(about, () => client.getBuild({ name: nameOf(build) }, ONCE));
        return toCloudBuild(found);
      } catch (error) {
        if (isCode(error, "NOT_FOUND")) return undefined;
        throw error;
      }
    },
    async find(tag) {
      const about = { method: "ListBuilds", doing: `Listing builds with the tag ${tag}`, resource: parent };
      const request = { parent, filter: `tags="${tag}"`, pageSize: BUILDS_OF_ID_MAX };
      const found = await listed((page) =>
        call(about, () => client.listBuilds({ ...request, ...page }, ONCE)),
      );
      return (found as readonly WireBuild[])
        .map(toCloudBuild)
        .filter(({ tags }) => tags.includes(tag))
        .toSorted((one, two) => (one.createdAt < two.createdAt ? -1 : one.createdAt > two.createdAt ? 1 : 0));
    },
    async cancel(build) {
      const about = {
        method: "CancelBuild",
        doing: `Cancelling the build ${build}`,
        resource: nameOf(build),
      };
      try {
        await call(about, () => client.cancelBuild({ name: nameOf(build) }, ONCE));
      } catch (error) {
        // It has ended already: what was wanted is so.
        if (!isCode(error, "FAILED_PRECONDITION") && !isCode(error, "NOT_FOUND")) throw error;
      }
    },
  };
}
