// The same tests on a real API server and on the fake: who is asked, and namespaces of a test's own.
import { randomBytes } from "node:crypto";
import { kubernetesConnections } from "../../../shared/adapters/kubernetes/access.ts";
import {
  createKubernetesClient,
  type KubernetesAccess,
  type KubernetesClient,
} from "../../../shared/adapters/kubernetes/client.ts";
import type { Placement } from "../../../shared/adapters/kubernetes/placement.ts";
import type { KubernetesUser } from "./apiserver.ts";
import { type ApiServerFake, startApiServerFake } from "./apiserver-fake.ts";
import { sharedApiServer } from "./found.ts";

/** A server to be tried on. */
export interface KubernetesWorld {
  access(user: KubernetesUser): KubernetesAccess;
  client(user?: KubernetesUser): KubernetesClient;
  /** Missing on the real one. */
  readonly fake?: ApiServerFake;
  close(): Promise<void>;
}

/** The API server that all test files share. */
export async function realWorld(): Promise<KubernetesWorld> {
  const { url, ca, tokens } = await sharedApiServer();
  const dispatcher = kubernetesConnections(ca);
  // On a machine that is busy with the other tests.
  const timeoutMs = 20_000;
  const access = (user: KubernetesUser): KubernetesAccess => ({
    server: url,
    token: async () => tokens[user],
    dispatcher,
    timeoutMs,
  });
  return {
    access,
    client: (user = "admin") => createKubernetesClient(access(user)),
    close: () => dispatcher.close(),
  };
}

/** A fake of its own. */
export async function fakeWorld(): Promise<KubernetesWorld & { readonly fake: ApiServerFake }> {
  const fake = await startApiServerFake();
  const access = (): KubernetesAccess => ({ server: fake.url, token: async () => "fake-token" });
  return { fake, access, client: () => createKubernetesClient(access()), close: () => fake.close() };
}

/** Makes a namespace. */
export async function makeNamespace(client: KubernetesClient, name: string): Promise<void> {
  await client.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
}

/** A placement whose namespaces no other test has, with those of these teams in place. */
export async function freshPlacement(
  client: KubernetesClient,
  teams: readonly string[] = ["default", "search"],
): Promise<Placement & { readonly namespacePrefix: string }> {
  const namespacePrefix = `t${randomBytes(4).toString("hex")}-`;
  for (const team of teams) await makeNamespace(client, `${namespacePrefix}${team}`);
  return { namespacePrefix, gateway: { namespace: "gateways", name: "models" }, backendPort: 8080 };
}
