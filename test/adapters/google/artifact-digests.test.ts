// Digests of large artifacts: the adapter over the stock client, a fake of Cloud Build that really runs the program of the image,
// and fakes of the buckets.
import { createHash, randomBytes } from "node:crypto";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Storage } from "@google-cloud/storage";
import { expect, onTestFinished, test } from "vitest";
import { ARTIFACT_PIECE_BYTES_MAX } from "../../../shared/adapters/google/artifact-content.ts";
import {
  createArtifactDigests,
  DIGEST_ADOPTION_MS,
  DIGEST_TRIES_MAX,
  DIGEST_TRIES_MS,
} from "../../../shared/adapters/google/artifact-digests.ts";
import { ARTIFACT_BYTES_HERE_MAX, createCloudArtifacts } from "../../../shared/adapters/google/artifacts.ts";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { createRest } from "../../../shared/adapters/google/rest.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { DIGEST_NOT_KNOWN_YET } from "../../../shared/ports/artifacts.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { PROJECT, startGoogle } from "../../support/google/google-front.ts";
import { clientOptions, testSignIn } from "../../support/google/rest-front.ts";
import { until } from "../../support/until.ts";

const LARGE = randomBytes(ARTIFACT_BYTES_HERE_MAX + ARTIFACT_PIECE_BYTES_MAX / 2);
const URI = `gs://${PROJECT.artifacts}/m/weights.bin`;
const pending = { code: "UNAVAILABLE", reason: DIGEST_NOT_KNOWN_YET };
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function world() {
  const google = await startGoogle();
  let nowMs = Date.now();
  const clock = { ...systemClock, now: () => new Date(nowMs) };
  const client = new CloudBuildClient(clientOptions(google.build));
  onTestFinished(() => client.close());
  const make = () => {
    const storage = new Storage({
      apiEndpoint: google.storage.url,
      projectId: PROJECT.id,
      authClient: testSignIn() as never,
      retryOptions: { autoRetry: false, maxRetries: 0 },
    });
    const digestOfLarge = createArtifactDigests({
      client,
      clock,
      objects: createCloudBuildObjects({ bucket: storage.bucket(PROJECT.fences), prefix: "digests", clock }),
      place: {
        project: PROJECT.id,
        location: PROJECT.region,
        image: `us-docker.pkg.dev/p/r/build@sha256:${"a".repeat(64)}`,
        folder: `gs://${PROJECT.fences}/digests`,
        identity: "digest@p.iam.gserviceaccount.com",
      },
    });
    return createCloudArtifacts({
      rest: createRest({ calls: createCalls({ clock }), accessToken: async () => "t" }),
      roots: [`gs://${PROJECT.artifacts}`],
      copies: temporaryFolder(),
      api: google.storage.url,
      digestOfLarge,
    });
  };
  const ended = () =>
    until(
      "the build to end",
      () =>
        [...google.builds.builds.values()].every(({ finishTime }) => finishTime !== undefined) || undefined,
    );
  const put = (name: string, bytes: Buffer, more = {}) => google.artifacts.overwrite(name, bytes, more);
  return { ...google, make, ended, put, wait: (ms: number) => void (nowMs += ms) };
}

test("a large file is read by a build, in pieces, once for all who ask", { timeout: 120_000 }, async () => {
  const { make, ended, put, builds, storage, build } = await world();
  put("m/weights.bin", LARGE);
  const [one, other] = [make(), make()];
  await Promise.all(
    [one, other, one].map(({ digest }) => expect(digest(URI)).rejects.toMatchObject(pending)),
  );
  await ended();
  expect(await one.digest(URI)).toBe(`sha256:${sha256(LARGE)}`);
  expect(builds.builds.size).toBe(1);
  const [made] = builds.builds.values();
  expect(made).toMatchObject({ status: "SUCCESS", steps: [{ args: ["digest"] }] });
  expect(made?.request["serviceAccount"]).toBe(
    `projects/${PROJECT.id}/serviceAccounts/digest@p.iam.gserviceaccount.com`,
  );
  const pieces = storage.requests.filter(
    (line) => line === "GET /storage/v1/b/acme-artifacts/o/m/weights.bin",
  );
  // Three looks and one more, and the pieces.
  expect(pieces).toHaveLength(4 + Math.ceil(LARGE.length / ARTIFACT_PIECE_BYTES_MAX));
  const asked = build.requests.length;
  expect(await other.digest(URI)).toBe(`sha256:${sha256(LARGE)}`);
  expect(build.requests).toHaveLength(asked);
});

test("a large folder comes to the digest of its listing", { timeout: 120_000 }, async () => {
  const { make, ended, put } = await world();
  put("m/run.sh", Buffer.from("#!/bin/sh\n"), { metadata: { "goog-reserved-posix-mode": "755" } });
  put("m/weights.bin", LARGE);
  const { digest } = make();
  const folder = `gs://${PROJECT.artifacts}/m`;
  await expect(digest(folder)).rejects.toMatchObject(pending);
  await ended();
  const listing = [
    `100755 10 ${sha256(Buffer.from("#!/bin/sh\n"))} run.sh`,
    `100644 ${LARGE.length} ${sha256(LARGE)} weights.bin`,
  ];
  expect(await digest(folder)).toBe(
    `tree-sha256:${sha256(Buffer.from(listing.map((line) => `${line}\n`).join("")))}`,
  );
});

test(
  "content that was replaced before the build read it is no digest of the new one",
  { timeout: 120_000 },
  async () => {
    const { make, ended, put, builds, fences } = await world();
    put("m/weights.bin", LARGE);
    const { digest } = make();
    builds.full();
    await expect(digest(URI)).rejects.toMatchObject(pending);
    const other = Buffer.from(LARGE).fill(0, 0, 10);
    put("m/weights.bin", other);
    builds.free();
    await ended();
    const results = [...fences.objects].filter(([name]) => name.endsWith("/result.json"));
    expect(results.map(([, { bytes }]) => JSON.parse(bytes.toString()) as unknown)).toMatchObject([
      { failure: { code: "NOT_FOUND", message: expect.stringContaining("replaced") as string } },
    ]);
    builds.full();
    await expect(digest(URI)).rejects.toMatchObject(pending);
    expect(builds.builds.size).toBe(2);
  },
);

test(
  "builds that end without a result are tried again, a few times an hour, and told",
  { timeout: 120_000 },
  async () => {
    const { make, put, builds, wait } = await world();
    put("m/weights.bin", LARGE);
    const { digest } = make();
    builds.full();
    for (let tries = 1; tries <= DIGEST_TRIES_MAX; tries++) {
      await expect(digest(URI)).rejects.toMatchObject(pending);
      expect(builds.builds.size).toBe(tries);
      await expect(digest(URI)).rejects.toMatchObject(pending);
      const waiting = [...builds.builds.values()].find(({ finishTime }) => finishTime === undefined);
      if (waiting !== undefined) builds.end(waiting, "INTERNAL_ERROR");
      // The list may be behind, so nobody starts the next one at once.
      if (tries < DIGEST_TRIES_MAX) await expect(digest(URI)).rejects.toMatchObject(pending);
      expect(builds.builds.size).toBe(tries);
      wait(DIGEST_ADOPTION_MS * 2);
    }
    await expect(digest(URI)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "DIGEST_BUILDS_FAILED",
      message: expect.stringContaining("INTERNAL_ERROR") as string,
    });
    wait(DIGEST_TRIES_MS);
    await expect(digest(URI)).rejects.toMatchObject(pending);
    expect(builds.builds.size).toBe(DIGEST_TRIES_MAX + 1);
  },
);

test("a build whose creation was not answered is found by its tag", async () => {
  const { make, put, builds, build, wait } = await world();
  put("m/weights.bin", LARGE);
  builds.full();
  build.fail(/^POST .*builds$/, { kind: "lost reply" });
  const { digest } = make();
  await expect(digest(URI)).rejects.toMatchObject(pending);
  wait(DIGEST_ADOPTION_MS * 2);
  await expect(digest(URI)).rejects.toMatchObject(pending);
  expect(builds.builds.size).toBe(1);
});

test("who may not start builds is at fault, and not the artifact", async () => {
  const { make, put, build } = await world();
  put("m/weights.bin", LARGE);
  build.fail(/^POST .*builds$/, { kind: "refused", status: 403, code: "PERMISSION_DENIED" });
  await expect(make().digest(URI)).rejects.toMatchObject({ code: "INTERNAL", reason: "DIGEST_NOT_STARTED" });
});
