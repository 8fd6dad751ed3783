// The part of a cluster that serves, on a real API server: what Cloud Deploy applies is applied as its own identity, and a fake of the
// controllers, none of which run here, calls every Deployment ready.
import type { Manifest } from "../../../shared/adapters/google/deploys-template.ts";
import type { KubernetesObject } from "../../../shared/adapters/kubernetes/objects.ts";
import type { KubernetesWorld } from "../kubernetes/world.ts";

const COLLECTIONS: Readonly<Record<string, string>> = {
  Deployment: "/apis/apps/v1",
  Service: "/api/v1",
};

/** How a Deployment stands whose replicas all serve. */
const READY = {
  replicas: 1,
  readyReplicas: 1,
  conditions: [{ type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "Done." }],
};

/** Applies manifests; `refused` holds why one was not applied. */
export function createServingCluster(world: KubernetesWorld) {
  const refused: unknown[] = [];
  const put = async (manifests: readonly Manifest[]): Promise<void> => {
    for (const manifest of manifests) {
      const { kind, metadata = {} } = manifest;
      const group = COLLECTIONS[kind];
      if (group === undefined) throw new Error(`nobody here runs a ${kind}`);
      const plural = `${group}/namespaces/${metadata.namespace ?? ""}/${kind.toLowerCase()}s`;
      const path = `${plural}/${metadata.name ?? ""}`;
      await world.client("deploy").apply(path, manifest as unknown as KubernetesObject, "cloud-deploy");
      if (kind === "Deployment") await world.client("admin").patch(`${path}/status`, { status: READY });
    }
  };
  return {
    refused,
    apply: (manifests: readonly Manifest[]): void =>
      void put(manifests).catch((error: unknown) => refused.push(error)),
  };
}
