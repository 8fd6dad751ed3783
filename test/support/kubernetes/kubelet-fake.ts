// A fake of a node's kubelet, as far as the API server asks it: the log of a container.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesClient } from "../../../shared/adapters/kubernetes/client.ts";
import { makeCertificate } from "../certificates.ts";
import type { KeepLog } from "./kuberay-fake.ts";

/** A node of a real API server, whose containers write what they are told to. */
export interface KubeletFake {
  readonly keepLog: KeepLog;
  stop(): Promise<void>;
}

/** Starts a kubelet and makes its node. */
export async function startKubeletFake(client: KubernetesClient, node: string): Promise<KubeletFake> {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-kubelet-"));
  const { cert, key } = makeCertificate(folder, "kubelet", ["127.0.0.1"]);
  const logs = new Map<string, string>();
  const server = createServer(
    { cert: await readFile(cert), key: await readFile(key) },
    (request, response) => {
      const [, verb, namespace, pod, container] = new URL(request.url ?? "/", "https://node").pathname.split(
        "/",
      );
      const log = logs.get(`${namespace}/${pod}`);
      if (verb !== "containerLogs" || container !== "ray-job-submitter" || log === undefined)
        return void response.writeHead(404).end("not found");
      return void response.end(log);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: Port } = server.address() as AddressInfo;
  await client.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: node } });
  const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
  await client.patch(`/api/v1/nodes/${node}/status`, {
    status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port } } },
  });
  return {
    keepLog: (namespace, pod, text) => void logs.set(`${namespace}/${pod}`, text),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };

/** Kueue's Workload with everything left open that we do not touch; its own definition is not at hand. */
export const WORKLOAD_DEFINITION = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "workloads.kueue.x-k8s.io",
    annotations: { "api-approved.kubernetes.io": "unapproved, a fake" },
  },
  spec: {
    group: "kueue.x-k8s.io",
    scope: "Namespaced",
    names: { plural: "workloads", singular: "workload", kind: "Workload", listKind: "WorkloadList" },
    versions: [{ name: "v1beta2", served: true, storage: true, schema }],
  },
};
