// A real Kubernetes API server on this machine: etcd and kube-apiserver as envtest runs them, on free loopback ports.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { until } from "../until.ts";

const START_MS = 90_000;
/** Output of a server that is kept, to say what it died of. */
const OUTPUT_CHARACTERS_MAX = 4_000;

/** Who may speak to the server; the first is in `system:masters`, the others have what RBAC gives them: at first nothing. */
export const KUBERNETES_USERS = [
  "admin",
  "rollback",
  "rollout",
  "api",
  "deploy",
  "runs",
  "stranger",
] as const;
/** One of them. */
export type KubernetesUser = (typeof KUBERNETES_USERS)[number];

/** The name of a user as RBAC sees it: on GKE a Google service account is its e-mail address. */
export const userName = (user: KubernetesUser): string => `signalbox-${user}@example.iam.gserviceaccount.com`;

/** How to reach a server. */
export interface ApiServer {
  readonly url: string;
  /** PEM of the certificate that it shows. */
  readonly ca: string;
  readonly tokens: Readonly<Record<KubernetesUser, string>>;
}

/** A server that we started. */
export interface StartedApiServer extends ApiServer {
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Server {
  output(): string;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

/** Starts a program that ends with us, even when we are killed: a shell waits for our end of a pipe to close. */
function startServer(program: string, options: Readonly<Record<string, string>>): Server {
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const script = '"$@" & child=$!; read -r _; kill -9 $child; wait $child';
  const child: ChildProcess = spawn("sh", ["-c", script, "sh", program, ...flags], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text: Buffer) => {
      output = (output + text.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    });
  const ended = once(child, "exit");
  return {
    output: () => output,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.stdin?.end();
      await ended;
    },
  };
}

/** Asks as the first user, with any answer. */
function asAdmin(server: ApiServer, dispatcher: Agent) {
  return async (method: "GET" | "POST", path: string, yaml?: string) => {
    const answer = await request(new URL(path, server.url), {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${server.tokens.admin}`, "content-type": "application/yaml" },
      ...(yaml === undefined ? {} : { body: yaml }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
}

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

interface Established {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null;
  };
}

/** Installs the definitions in a folder, and waits until the server serves them. */
async function installDefinitions(ask: ReturnType<typeof asAdmin>, folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));
  await Promise.all(
    files.map(async (file) => {
      // As text: the server reads megabytes of YAML in a tenth of the time that we would take.
      const created = await ask("POST", CRDS, await readFile(join(folder, file), "utf8"));
      if (created.status !== 201) throw new Error(`${file} was refused: ${created.text.slice(0, 400)}`);
      const { metadata } = JSON.parse(created.text) as { readonly metadata: { readonly name: string } };
      await until(
        `${file} to be established`,
        async () => {
          const { text } = await ask("GET", `${CRDS}/${metadata.name}`);
          const conditions = (JSON.parse(text) as Established).status?.conditions ?? [];
          return conditions.some((is) => is.type === "Established" && is.status === "True") || undefined;
        },
        START_MS,
      );
    }),
  );
}

async function startEtcd(
  assets: string,
  folder: string,
  isDurable: boolean,
): Promise<{ server: Server; url: string }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peers = `http://127.0.0.1:${await freePort()}`;
  const server = startServer(join(assets, "etcd"), {
    "data-dir": join(folder, "etcd"),
    "log-level": "error",
    "unsafe-no-fsync": String(!isDurable),
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peers,
    "initial-advertise-peer-urls": peers,
    "initial-cluster": `default=${peers}`,
  });
  return { server, url };
}

/** Who is who, in the server's own format: token, name, id. */
function tokenLines(tokens: ApiServer["tokens"]): string {
  return KUBERNETES_USERS.map((user) =>
    [tokens[user], userName(user), user, ...(user === "admin" ? ["system:masters"] : [])].join(","),
  ).join("\n");
}

async function startKubernetes(assets: string, folder: string, etcd: string, tokens: ApiServer["tokens"]) {
  const port = await freePort();
  const key = join(folder, "service-accounts.key");
  execFileSync("openssl", ["genrsa", "-out", key, "2048"], { stdio: "ignore" });
  await writeFile(join(folder, "tokens.csv"), `${tokenLines(tokens)}\n`, { mode: 0o600 });
  const server = startServer(join(assets, "kube-apiserver"), {
    "etcd-servers": etcd,
    "secure-port": String(port),
    "bind-address": "127.0.0.1",
    "cert-dir": folder,
    "service-account-issuer": "https://local",
    "service-account-key-file": key,
    "service-account-signing-key-file": key,
    "token-auth-file": join(folder, "tokens.csv"),
    "authorization-mode": "RBAC",
    "service-cluster-ip-range": "10.0.0.0/24",
    "disable-admission-plugins": "ServiceAccount",
    "endpoint-reconciler-type": "none",
    profiling: "false",
  });
  return { server, url: `https://127.0.0.1:${port}` };
}

/** Starts etcd and kube-apiserver from `assets` and installs the resource definitions in `definitions`; `durable` syncs every write. */
export async function startApiServer(
  assets: string,
  definitions: string,
  options: { readonly durable?: boolean } = {},
): Promise<StartedApiServer> {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-kubernetes-"));
  const tokens = Object.fromEntries(
    KUBERNETES_USERS.map((user) => [user, randomBytes(16).toString("hex")]),
  ) as Record<KubernetesUser, string>;
  const etcd = await startEtcd(assets, folder, options.durable ?? false);
  const kubernetes = await startKubernetes(assets, folder, etcd.url, tokens);
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const stop = async (): Promise<void> => {
    await dispatcher.destroy();
    await Promise.all([kubernetes.server.stop(), etcd.server.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const bare = { url: kubernetes.url, ca: "", tokens };
    const ask = asAdmin(bare, dispatcher);
    await until(
      "the API server to be ready",
      async () => {
        for (const { output, hasEnded } of [etcd.server, kubernetes.server])
          if (hasEnded()) throw new Error(`It ended: ${output()}`);
        const answer = await ask("GET", "/readyz").catch(() => undefined);
        return answer?.text === "ok" || undefined;
      },
      START_MS,
    );
    await installDefinitions(ask, definitions);
    return { ...bare, ca: await readFile(join(folder, "apiserver.crt"), "utf8"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
