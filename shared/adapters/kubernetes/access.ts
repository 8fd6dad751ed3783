// Ways to a cluster: from a pod inside it by the files that Kubernetes mounts, and from Cloud Run by GKE's DNS-based endpoint.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent } from "undici";
import { failedPrecondition, invalidArgument } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubernetesAccess } from "./client.ts";

/** Where Kubernetes mounts the identity of a pod. */
export const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
/** How long a token is kept; Kubernetes renews the file well before a token ends. */
export const TOKEN_KEPT_MS = 60_000;
/** Connections to the server; more requests wait for one. */
export const KUBERNETES_CONNECTIONS_MAX = 8;

/** Connections that trust this CA, or the public ones. Close them when done. */
export function kubernetesConnections(ca?: string): Agent {
  return new Agent({
    connections: KUBERNETES_CONNECTIONS_MAX,
    ...(ca === undefined ? {} : { connect: { ca } }),
  });
}

/** The cluster that this pod runs in. `host` and `port` are those of the environment (`KUBERNETES_SERVICE_HOST`, `_PORT`). */
export async function accessFromPod(
  clock: Clock,
  options: { readonly host: string; readonly port: string; readonly folder?: string },
): Promise<KubernetesAccess & { readonly dispatcher: Agent }> {
  const { host, port, folder = SERVICE_ACCOUNT_FOLDER } = options;
  const file = async (name: string): Promise<string> =>
    readFile(join(folder, name), "utf8").catch((cause: unknown) => {
      throw failedPrecondition(
        "NOT_IN_A_CLUSTER",
        `${join(folder, name)} cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown"}): run in a pod with a service account, or give the address of the cluster.`,
      );
    });
  let kept: { readonly token: string; readonly untilMs: number } | undefined;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    dispatcher: kubernetesConnections(await file("ca.crt")),
    async token(refused) {
      const nowMs = clock.now().getTime();
      if (kept === undefined || nowMs >= kept.untilMs || kept.token === refused)
        kept = { token: (await file("token")).trim(), untilMs: nowMs + TOKEN_KEPT_MS };
      return kept.token;
    },
  };
}

// Never plain HTTP, and never a path or a query that would change what is asked.
function requireEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === "https:" && url.pathname === "/" && url.search === "" && url.username === "")
    return url.origin;
  throw invalidArgument(
    "endpoint",
    `${JSON.stringify(endpoint.slice(0, 200))} is not the address of a cluster: write it as https://HOST, such as the DNS endpoint that \`gcloud container clusters describe\` shows.`,
  );
}

/**
 * A GKE cluster by its DNS-based endpoint: it is reached without a VPN, shows a certificate of a public CA, and takes the access
 * token of a Google identity (the permission container.clusters.connect lets it through; what it may do there is RBAC's). `ca` is for
 * control planes that show their own.
 */
export function accessByDnsEndpoint(
  endpoint: string,
  token: KubernetesAccess["token"],
  ca?: string,
): KubernetesAccess & { readonly dispatcher: Agent } {
  return { server: requireEndpoint(endpoint), token, dispatcher: kubernetesConnections(ca) };
}
