// Cloud Build and its bucket on loopback, with the adapter on the stock clients, and an installation whose stacks it plans.
import { join } from "node:path";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Storage } from "@google-cloud/storage";
import { onTestFinished } from "vitest";
import { COMPILED_CODE } from "../../../scripts/compose/compiled-code.ts";
import { type CloudBuildsOptions, createCloudBuilds } from "../../../shared/adapters/google/builds.ts";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import type { BuildPlace } from "../../../shared/adapters/google/builds-request.ts";
import { createLocalCodeHost } from "../../../shared/adapters/local/code-host.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import type { BuildSpec } from "../../../shared/ports/builds.ts";
import type { LocalInstallation } from "../local-builds.ts";
import { createBucketFake } from "./bucket-fake.ts";
import { createCloudBuildFake } from "./cloud-build-fake.ts";
import { clientOptions, createRestFront, testSignIn } from "./rest-front.ts";

/** A small plan, where it does not matter which. */
export const PLAN_SPEC = {
  kind: "plan",
  stack: "stacks/web",
  repository: "acme/platform",
  tree: "0".repeat(40),
  directory: "s",
  varFiles: [],
  files: [],
  allow: { providers: [], provisioners: [], dataSources: [], modules: [] },
  timeLimitMs: 60_000,
  lockTimeoutSeconds: 1,
  closureDigest: "sha256:c",
  configDigest: "sha256:d",
} satisfies BuildSpec;

/** Where builds run in tests. */
export const PLACE: BuildPlace = {
  project: "p",
  location: "europe-west1",
  image: `europe-west1-docker.pkg.dev/p/signalbox/terraform@sha256:${"a".repeat(64)}`,
  folder: "gs://builds/b",
  identities: { plan: "tf-plan@p.iam.gserviceaccount.com", apply: "tf-apply@p.iam.gserviceaccount.com" },
};

/** Starts both and answers the adapter on them. */
export async function createCloudBuildsWorld(
  at: Pick<LocalInstallation, "settings">,
  change: Partial<Omit<CloudBuildsOptions, "client" | "objects">> = {},
) {
  const bucket = createBucketFake("builds");
  const storageFront = await createRestFront(bucket.handle);
  const fake = createCloudBuildFake({
    project: "p",
    location: "europe-west1",
    entrypoint: [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "build-step.ts"),
    ],
    environment: {
      PATH: at.settings.path,
      ...COMPILED_CODE,
      TEST_SETTINGS: JSON.stringify(at.settings),
      TEST_STORAGE: storageFront.url,
      METADATA_SERVER_DETECTION: "none",
    },
  });
  const front = await createRestFront(fake.handle);
  const clients: CloudBuildClient[] = [];
  onTestFinished(async () => {
    await fake.close();
    await Promise.all(clients.map((client) => client.close()));
    await front.close();
    await storageFront.close();
  });
  const make = (more: typeof change = {}) => {
    const client = new CloudBuildClient(clientOptions(front));
    clients.push(client);
    const storage = new Storage({
      apiEndpoint: storageFront.url,
      projectId: "p",
      authClient: testSignIn() as never,
      retryOptions: { autoRetry: false, maxRetries: 0 },
    });
    const calls = { clock: systemClock, ...change, ...more };
    return createCloudBuilds({
      client,
      place: PLACE,
      codeHost: createLocalCodeHost({ root: at.settings.repositories, path: at.settings.path }),
      planKey: at.settings.planKey,
      objects: createCloudBuildObjects({ ...calls, bucket: storage.bucket("builds"), prefix: "b" }),
      ...calls,
    });
  };
  const object = (id: string, name: string) => bucket.objects.get(`b/${id}/${name}`)?.bytes.toString("utf8");
  return { fake, front, storageFront, bucket, make, builds: make(), object };
}
