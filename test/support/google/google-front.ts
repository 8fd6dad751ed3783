// Buckets of Cloud Storage, Cloud Build and the metadata server of one project, each a fake, under their real names.
import { COMPILED_CODE } from "../../../scripts/compose/compiled-code.ts";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ROOT } from "../source-files.ts";
import { createBucketFake } from "./bucket-fake.ts";
import { createCloudBuildFake } from "./cloud-build-fake.ts";
import { startInternet, type Site } from "./internet.ts";
import { startMetadata } from "./metadata-fake.ts";
import { startIssuer } from "./oidc-issuer-fake.ts";
import { createRestFront, restError, type RestFake } from "./rest-front.ts";
import { createStorageFake } from "./storage-fake.ts";

/** The project, and its buckets. */
export const PROJECT = {
  id: "acme-dev",
  region: "us-central1",
  artifacts: "acme-artifacts",
  fences: "acme-fences",
} as const;

/** Both buckets behind one host. */
function bucketsOf(artifacts: RestFake, fences: RestFake): RestFake {
  return (request) => {
    const bucket = /\/storage\/v1\/b\/([^/]+)\/o/.exec(request.path)?.[1];
    if (bucket === PROJECT.artifacts) return artifacts(request);
    if (bucket === PROJECT.fences) return fences(request);
    return restError(404, "NOT_FOUND", "The specified bucket does not exist.");
  };
}

/** Starts them; `more` are further hosts. Closed when the test ends. */
export async function startGoogle(more: Readonly<Record<string, Site>> = {}) {
  const artifacts = createStorageFake(PROJECT.artifacts);
  const fences = createBucketFake(PROJECT.fences);
  const storage = await createRestFront(bucketsOf(artifacts.fake, fences.handle));
  const issuer = await startIssuer({
    honest: () => {
      const now = Math.floor(Date.now() / 1_000);
      return { iss: "https://accounts.google.com", sub: "1", iat: now, exp: now + 3_600 };
    },
  });
  const metadata = await startMetadata(issuer);
  let handle: RestFake = () => restError(503, "UNAVAILABLE", "It is being started.");
  const build = await createRestFront((request) => handle(request));
  const keys = await createRestFront(async () => ({
    status: 200,
    body: await (await fetch(issuer.keysUrl)).json(),
  }));
  const internet = await startInternet({
    "storage.googleapis.com": storage,
    "cloudbuild.googleapis.com": build,
    "www.googleapis.com": keys,
    ...more,
  });
  const environment: Readonly<Record<string, string>> = {
    ...internet.environment,
    PATH: process.env["PATH"] ?? "",
    ...COMPILED_CODE,
    GCE_METADATA_HOST: metadata.host,
    METADATA_SERVER_DETECTION: "assume-present",
  };
  const builds = createCloudBuildFake({
    project: PROJECT.id,
    location: PROJECT.region,
    entrypoint: [process.execPath, join(ROOT, "services/provisioner/build/image-main.ts")],
    environment,
  });
  ({ handle } = builds);
  onTestFinished(async () => {
    await builds.close();
    for (const front of [storage, build, keys]) await front.close();
  });
  return { artifacts, fences, builds, storage, build, issuer, environment };
}
