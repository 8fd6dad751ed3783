// Digests of artifacts that are too large for a handler: a build reads them, and the digest is kept under a name of exactly that
// content. A twin of such a build costs its minutes and changes nothing, so there is no fence: order and result are created once.
import { ControlPlaneError, failedPrecondition, isTransient } from "../../domain/errors.ts";
import { DIGEST_NOT_KNOWN_YET } from "../../ports/artifacts.ts";
import type { BuildObjects } from "../../ports/build-objects.ts";
import { digestObject, type DigestOrderObject, type DigestResultObject } from "../../ports/digest-objects.ts";
import { type ArtifactListing, listingKey } from "./artifact-listing.ts";
import { type BuildClient, createBuildCalls } from "./builds-client.ts";
import { parseRecord } from "./builds-records.ts";
import { type DigestPlace, digestRequest, tagOf } from "./builds-request.ts";
import type { CloudBuild } from "./builds-wire.ts";
import { type CallsOptions, isAmbiguous } from "./calls.ts";

/** How long the list of builds may be behind: so long nobody starts a second one. */
export const DIGEST_ADOPTION_MS = 60_000;
/** Builds of one digest that are made within `DIGEST_TRIES_MS`; when all have ended without a result, it cannot be had. */
export const DIGEST_TRIES_MAX = 3;
/** After this time it is tried again, if somebody asks. */
export const DIGEST_TRIES_MS = 3_600_000;

/** What the adapter is made of. */
export interface ArtifactDigestsOptions extends CallsOptions {
  readonly client: BuildClient;
  readonly place: DigestPlace;
  readonly objects: BuildObjects;
}

/** What is known of a digest. */
type Standing =
  | { readonly kind: "known"; readonly result: DigestResultObject }
  | { readonly kind: "pending" }
  | { readonly kind: "given up"; readonly last: CloudBuild | undefined };

const idOf = (listing: ArtifactListing): string => `digest-${listingKey(listing).slice(0, 32)}`;

/** Whoever creates it starts a build in this minute. */
const startObject = (id: string, minute: number): string => `${id}/start-${minute}.json`;

/** What a build is told: what to read, and nothing of who registered it. */
function orderOf({ uri, isFolder, files }: ArtifactListing): DigestOrderObject {
  const bucket = /^gs:\/\/([^/]+)/.exec(uri)?.[1] ?? "";
  return { uri, bucket, isFolder, files };
}

/** The digest, or why there is none. */
function answer({ uri, size }: ArtifactListing, standing: Standing): string {
  const metadata = { uri };
  if (standing.kind === "pending") {
    const message = `${uri} has ${size} bytes: its digest is computed in a build. It is looked at again.`;
    throw new ControlPlaneError("UNAVAILABLE", message, { reason: DIGEST_NOT_KNOWN_YET, metadata });
  }
  if (standing.kind === "given up") {
    const { build = "", status = "", detail = "" } = standing.last ?? {};
    throw failedPrecondition(
      "DIGEST_BUILDS_FAILED",
      `${DIGEST_TRIES_MAX} builds ended without the digest of ${uri}; the last one, ${build}, is ${status}. ${detail} Look at its log.`,
      metadata,
    );
  }
  if ("digest" in standing.result) return standing.result.digest;
  const { code, message } = standing.result.failure;
  throw new ControlPlaneError(code, message, { reason: "DIGEST_FAILED", metadata });
}

/** A refusal of what lies between us and the build says nothing about the artifact: it is for whoever runs this, and is tried again. */
async function between<Answer>(uri: string, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (isTransient(error)) throw error;
    const message = `No build can compute the digest of ${uri}: ${(error as Error).message}`;
    throw new ControlPlaneError("INTERNAL", message, {
      reason: "DIGEST_NOT_STARTED",
      metadata: { uri },
      cause: error,
    });
  }
}

/** Answers the digest of a listing, or throws UNAVAILABLE `DIGEST_NOT_KNOWN_YET` and has seen to it that a build computes it. */
export function createArtifactDigests(options: ArtifactDigestsOptions) {
  const { client, place, objects, clock } = options;
  const cloud = createBuildCalls(client, place, options);
  const create = (name: string, value: unknown): Promise<boolean> =>
    objects.create(name, Buffer.from(JSON.stringify(value)));
  const resultOf = async (id: string): Promise<DigestResultObject | undefined> => {
    const name = digestObject(id, "result");
    return parseRecord(name, await objects.read(name)) as DigestResultObject | undefined;
  };

  /** Starts a build, if nobody did so just now: whoever creates the object of this minute does. */
  const start = async (id: string, listing: ArtifactListing): Promise<void> => {
    const minute = Math.floor(clock.now().getTime() / DIGEST_ADOPTION_MS);
    if ((await objects.read(startObject(id, minute - 1))) !== undefined) return;
    await create(digestObject(id, "order"), orderOf(listing));
    if (!(await create(startObject(id, minute), {}))) return;
    try {
      await cloud.create(digestRequest(place, id));
    } catch (error) {
      // It may have been created all the same: then the list will say so.
      if (!isAmbiguous(error)) throw error;
    }
  };

  const look = async (listing: ArtifactListing): Promise<Standing> => {
    const id = idOf(listing);
    const early = await resultOf(id);
    if (early !== undefined) return { kind: "known", result: early };
    const builds = await cloud.find(tagOf(id));
    if (builds.some(({ phase }) => phase !== "ended")) return { kind: "pending" };
    // It may have been written since we looked, by a build that has ended now.
    const late = builds.length === 0 ? undefined : await resultOf(id);
    if (late !== undefined) return { kind: "known", result: late };
    const since = clock.now().getTime() - DIGEST_TRIES_MS;
    const tries = builds.filter(({ createdAt }) => Date.parse(createdAt) > since);
    if (tries.length >= DIGEST_TRIES_MAX) return { kind: "given up", last: tries.at(-1) };
    await start(id, listing);
    return { kind: "pending" };
  };

  return async (listing: ArtifactListing): Promise<string> =>
    answer(listing, await between(listing.uri, () => look(listing)));
}
