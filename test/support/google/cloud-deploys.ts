// Cloud Deploy, its bucket and a cluster on loopback, with the adapter on the stock clients and a repository of manifests.
import { CloudDeployClient } from "@google-cloud/deploy";
import { Storage } from "@google-cloud/storage";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import { type CloudDeploysOptions, createCloudDeploys } from "../../../shared/adapters/google/deploys.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { backendName } from "../../../shared/domain/backend.ts";
import { notFound } from "../../../shared/domain/errors.ts";
import type { ReleaseRequest } from "../../../shared/ports/deploys.ts";
import { createBucketFake } from "./bucket-fake.ts";
import { createCloudDeployFake } from "./cloud-deploy-fake.ts";
import { type ClusterFake, createClusterFake } from "./cluster-fake.ts";
import { clientOptions, createRestFront, testSignIn } from "./rest-front.ts";

/** The digest that every artifact of these tests has. */
export const DIGEST = `sha256:${"1".repeat(64)}`;

/** Manifests of a model server. */
export const manifests = (argument = "serve", more = ""): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ranker }
spec:
  replicas: 1
  selector: { matchLabels: { app: ranker } }
  template:
    metadata: { labels: { app: ranker } }
    spec:
      containers:
        - name: server
          image: europe-west1-docker.pkg.dev/p/models/server@sha256:${"b".repeat(64)}
          args: [${argument}]
          ports: [{ containerPort: 8080 }]
          env: [{ name: MODEL_VERSION, value: overridden }]
---
apiVersion: v1
kind: Service
metadata: { name: ranker }
spec:
  selector: { app: ranker }
  ports: [{ port: 80, targetPort: 8080 }]
${more}`;

/** Cloud Deploy and the bucket of its releases on loopback, with the stock clients of both. What it deploys goes to `cluster`. */
export async function startCloudDeploy(options: {
  readonly pipeline: string;
  readonly target: string;
  readonly cluster: Pick<ClusterFake, "apply">;
}) {
  const bucket = createBucketFake("deploys");
  const storageFront = await createRestFront(bucket.handle);
  const fake = createCloudDeployFake({ ...options, bucket: "deploys", objects: bucket.objects });
  const front = await createRestFront(fake.handle);
  // This client brings an older sign-in library, which takes headers as a plain object.
  const auth = { getRequestHeaders: async () => ({ authorization: "Bearer test-token-never-logged" }) };
  const client = new CloudDeployClient({
    ...clientOptions(front),
    authClient: undefined as never,
    auth: auth as never,
  });
  const storage = new Storage({
    apiEndpoint: storageFront.url,
    projectId: "p",
    authClient: testSignIn() as never,
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  const close = async (): Promise<void> => {
    await client.close();
    await front.close();
    await storageFront.close();
  };
  return { bucket, storageFront, fake, front, client, storage, close };
}

/** Starts all of it. */
export async function createCloudDeploysWorld(change: Partial<CloudDeploysOptions> = {}) {
  const cluster = createClusterFake();
  const { bucket, storageFront, fake, front, client, storage, close } = await startCloudDeploy({
    pipeline: "projects/p/locations/europe-west1/deliveryPipelines/serving",
    target: "cluster",
    cluster,
  });
  const files = new Map<string, string>();
  const make = (more: Partial<CloudDeploysOptions> = {}) => {
    const calls = { clock: systemClock, ...change, ...more };
    return createCloudDeploys({
      client,
      place: { project: "p", location: "europe-west1", pipeline: "serving", target: "cluster" },
      cluster: cluster.client,
      codeHost: {
        tree: async (_, commit) =>
          [...files.keys()]
            .filter((key) => key.startsWith(`${commit}:`))
            .map((key) => ({ path: key.slice(commit.length + 1), mode: "100644", size: 1, objectId: key })),
        blob: async (_, objectId) => {
          const text = files.get(objectId);
          if (text === undefined) throw notFound(objectId, "Commit it.");
          return Buffer.from(text);
        },
      },
      objects: createCloudBuildObjects({ ...calls, bucket: storage.bucket("deploys"), prefix: "d" }),
      folder: "gs://deploys/d",
      digest: async () => DIGEST,
      ...calls,
    });
  };
  const request = (number: number, text = manifests(), parameters = {}): ReleaseRequest => {
    const commit = String(number).padStart(40, "0");
    files.set(`${commit}:serving/ranker/server.yaml`, text);
    const endpoint = "teams/default/endpoints/ranker";
    const modelVersion = `teams/default/models/ranker/versions/${number}`;
    return {
      endpoint,
      modelVersion,
      backend: backendName(endpoint, modelVersion),
      artifact: { uri: `gs://models/ranker/${number}`, digest: DIGEST },
      serving: { manifests: "serving/ranker", parameters, directory: "serving/ranker" },
      repository: "acme/platform",
      commit,
    };
  };
  const dispose = async () => {
    cluster.close();
    await close();
  };
  return { bucket, storageFront, cluster, fake, front, files, make, deploys: make(), request, dispose };
}
