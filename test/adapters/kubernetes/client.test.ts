import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  accessByDnsEndpoint,
  accessFromPod,
  TOKEN_KEPT_MS,
} from "../../../shared/adapters/kubernetes/access.ts";
import { createKubernetesClient, LIST_PAGE_SIZE } from "../../../shared/adapters/kubernetes/client.ts";
import {
  collectionPath,
  objectPath,
  type KubernetesObject,
} from "../../../shared/adapters/kubernetes/objects.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { createVirtualClock } from "../../support/clock.ts";
import type { Fault } from "../../support/kubernetes/apiserver-fake.ts";
import {
  KUBERNETES_MISSING,
  KUBERNETES_NOTE,
  KUBERNETES_START_MS,
  sharedApiServer,
} from "../../support/kubernetes/found.ts";
import { fakeWorld, makeNamespace } from "../../support/kubernetes/world.ts";

const THINGS = { apiVersion: "example.dev/v1", plural: "things" };
const path = objectPath(THINGS, "here", "one");
const thing = (name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject => ({
  apiVersion: THINGS.apiVersion,
  kind: "Thing",
  metadata: { name, namespace: "here", labels },
});

async function world() {
  const made = await fakeWorld();
  onTestFinished(() => made.close());
  const client = made.client();
  await makeNamespace(client, "here");
  await client.create(collectionPath(THINGS, "here"), thing("one"));
  return { ...made, client };
}

const status = (http: number, reason: string, message = "no"): Fault => ({
  http,
  body: JSON.stringify({ kind: "Status", status: "Failure", reason, message, code: http }),
});

describe("the Kubernetes client", () => {
  it("keeps to the version that was read, in a patch and in a replacement", async () => {
    const { client } = await world();
    const read = await client.get(path);
    if (read === undefined) throw new Error("it is gone");
    const { resourceVersion } = read.metadata;
    const labels = { a: "b" };
    const patch = { metadata: { resourceVersion, labels } };
    expect(await client.patch(path, patch)).toMatchObject({
      kind: "written",
      object: { metadata: { labels } },
    });
    expect(await client.patch(path, patch)).toEqual({ kind: "conflict" });
    expect(await client.replace(path, read)).toEqual({ kind: "conflict" });
    const absent = objectPath(THINGS, "here", "none");
    expect(await client.patch(absent, patch)).toEqual({ kind: "absent" });
    expect(await client.get(absent)).toBeUndefined();
    expect(await client.remove(path)).toBe(true);
    expect(await client.remove(path)).toBe(false);
  });

  it("creates once, and applies again and again", async () => {
    const { client } = await world();
    const collection = collectionPath(THINGS, "here");
    expect(await client.create(collection, thing("one"))).toEqual({ kind: "exists" });
    const two = objectPath(THINGS, "here", "two");
    await client.apply(two, thing("two"), "tests");
    const applied = await client.apply(two, thing("two", { a: "b" }), "tests");
    expect(applied.metadata.labels).toEqual({ a: "b" });
  });

  it("lists all pages, by label, and says when a list became too old on the way", async () => {
    const { client, fake } = await world();
    const collection = collectionPath(THINGS, "here");
    const names = Array.from({ length: LIST_PAGE_SIZE + 5 }, (_, id) => `many-${id}`);
    for (const name of names) await client.create(collection, thing(name, { of: "many" }));
    expect(await client.list(collection, "of=many")).toHaveLength(names.length);
    fake.expireLists();
    await expect(client.list(collection, "of=many")).rejects.toMatchObject({
      code: "ABORTED",
      reason: "KUBERNETES_EXPIRED",
    });
  });

  it.each<readonly [string, Fault, string, string]>([
    ["a cut connection", "cut", "UNAVAILABLE", "KUBERNETES_UNREACHABLE"],
    ["an answer that is lost", "lost-reply", "UNAVAILABLE", "KUBERNETES_UNREACHABLE"],
    ["a server that never answers", "hang", "DEADLINE_EXCEEDED", "KUBERNETES_TIMEOUT"],
    ["too many requests", status(429, "TooManyRequests"), "RESOURCE_EXHAUSTED", "KUBERNETES_BUSY"],
    ["an overloaded server", status(503, "ServiceUnavailable"), "UNAVAILABLE", "KUBERNETES_UNAVAILABLE"],
    ["a server's own timeout", status(504, "Timeout"), "DEADLINE_EXCEEDED", "KUBERNETES_TIMEOUT"],
    ["a server's own failure", status(500, "InternalError"), "UNAVAILABLE", "KUBERNETES_UNAVAILABLE"],
    ["a token that is not taken", status(401, "Unauthorized"), "UNAVAILABLE", "KUBERNETES_UNAUTHENTICATED"],
    ["a right that is missing", status(403, "Forbidden"), "PERMISSION_DENIED", "KUBERNETES_FORBIDDEN"],
    ["a quota", status(403, "Forbidden", "exceeded quota: runs"), "RESOURCE_EXHAUSTED", "KUBERNETES_QUOTA"],
    [
      "an object that is too large",
      status(413, "RequestEntityTooLarge"),
      "INVALID_ARGUMENT",
      "KUBERNETES_TOO_LARGE",
    ],
    ["an object against its schema", status(422, "Invalid"), "INVALID_ARGUMENT", "KUBERNETES_INVALID"],
    [
      "a kind that is not installed",
      { http: 404, body: "404 page not found", type: "text/plain" },
      "FAILED_PRECONDITION",
      "KUBERNETES_NOT_SERVED",
    ],
    [
      "the page of a proxy",
      { http: 200, body: "<html>sign in</html>", type: "text/html" },
      "UNAVAILABLE",
      "KUBERNETES_UNAVAILABLE",
    ],
    ["a redirection", { http: 302, body: "" }, "FAILED_PRECONDITION", "KUBERNETES_NOT_SERVED"],
    [
      "an answer that is no object",
      { http: 200, body: '{"kind": "Thing"}' },
      "UNAVAILABLE",
      "KUBERNETES_UNAVAILABLE",
    ],
    [
      "an answer cut in the middle",
      { http: 200, body: '{"kind": "Thing", "meta' },
      "UNAVAILABLE",
      "KUBERNETES_UNAVAILABLE",
    ],
  ])("tells %s by its code and reason, for reading and for writing", async (_, fault, code, reason) => {
    const { fake, access } = await world();
    const client = createKubernetesClient({
      ...access("admin"),
      ...(fault === "hang" ? { timeoutMs: 300 } : {}),
    });
    const calls = [
      () => client.get(path),
      () => client.patch(path, { metadata: { labels: { a: "b" } } }),
      () => client.create(collectionPath(THINGS, "here"), thing("new")),
      () => client.list(collectionPath(THINGS, "here")),
    ];
    for (const call of calls) {
      fake.fail(fault);
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, reason });
      const again = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"].includes(code);
      expect(isTransient(error)).toBe(again);
    }
    expect((await client.get(path))?.metadata.name).toBe("one");
  });

  it("asks once more with another token when one is refused, and no third time", async () => {
    const { fake, access } = await world();
    const given: (string | undefined)[] = [];
    const tokens = ["ended", "fake-token"];
    const token = async (refused?: string) => {
      given.push(refused);
      return (refused === undefined ? tokens[0] : tokens[1]) ?? "";
    };
    const client = createKubernetesClient({ ...access("admin"), token });
    const before = fake.requests.length;
    expect(await client.patch(path, { metadata: { labels: { a: "b" } } })).toMatchObject({ kind: "written" });
    expect(given).toEqual([undefined, "ended"]);
    expect(fake.requests.slice(before)).toHaveLength(2);
    tokens[1] = "ended too";
    await expect(client.remove(path)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "KUBERNETES_UNAUTHENTICATED",
    });
    expect(fake.requests.slice(before)).toHaveLength(4);
    tokens[1] = "ended";
    await expect(client.get(path)).rejects.toMatchObject({ reason: "KUBERNETES_UNAUTHENTICATED" });
    expect(fake.requests.slice(before)).toHaveLength(5);
  });

  it("shows no token, neither its own nor one that the server repeats", async () => {
    const { fake, access } = await world();
    const client = createKubernetesClient({ ...access("admin"), token: async () => "hush-hush-hush-hush" });
    await expect(client.get(path)).rejects.not.toThrow(/hush/);
    fake.fail(status(403, "Forbidden", `Bearer ${"x".repeat(20)} may not`));
    await expect(client.get(path)).rejects.not.toThrow(/xxx/);
  });

  it("waits no longer for a token than for an answer", async () => {
    const { access } = await world();
    const token = () => new Promise<string>(() => undefined);
    const client = createKubernetesClient({ ...access("admin"), token, timeoutMs: 50 });
    await expect(client.get(path)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  it("reads no answer without end", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200);
      const write = (): void => {
        while (response.write("x".repeat(1_024 * 1_024)));
      };
      response.on("drain", write);
      write();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createKubernetesClient({ server: url, token: async () => "t" });
    await expect(client.get(path)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("longer than") as string,
    });
  });

  it.each(["../up", "a/b", "a?b", "a%2fb", "", "A", "x".repeat(254)])(
    "asks for no object named %j",
    (name) => {
      expect(() => objectPath(THINGS, "here", name)).toThrow(/cannot name/);
      expect(() => objectPath(THINGS, name, "one")).toThrow(/cannot be a Kubernetes namespace/);
    },
  );
});

describe("the way to a cluster", () => {
  it("from a pod reads the mounted files, and the token again once it may have changed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "signalbox-pod-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const clock = createVirtualClock();
    const options = { host: "fd00::1", port: "443", folder };
    await expect(accessFromPod(clock, options)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "NOT_IN_A_CLUSTER",
    });
    await writeFile(join(folder, "ca.crt"), "");
    await writeFile(join(folder, "token"), "one\n");
    const { server, token, dispatcher } = await accessFromPod(clock, options);
    onTestFinished(() => dispatcher.close());
    expect(server).toBe("https://[fd00::1]:443");
    expect(await token()).toBe("one");
    await writeFile(join(folder, "token"), "two\n");
    expect(await token()).toBe("one");
    await clock.advance(TOKEN_KEPT_MS);
    expect(await token()).toBe("two");
    await writeFile(join(folder, "token"), "three\n");
    expect(await token("one")).toBe("two");
    expect(await token("two")).toBe("three");
  });

  it.each([
    "http://gke-1.europe-west1.gke.goog",
    "gke-1.europe-west1.gke.goog",
    "https://a/b",
    "https://u:p@a",
  ])("by a DNS endpoint is not %s", (endpoint) => {
    expect(() => accessByDnsEndpoint(endpoint, async () => "t")).toThrow(/is not the address of a cluster/);
  });

  it.skipIf(KUBERNETES_MISSING)(
    `${KUBERNETES_NOTE}is only to the server whose certificate is trusted`,
    { timeout: KUBERNETES_START_MS },
    async () => {
      const { url, ca, tokens } = await sharedApiServer();
      const token = async () => tokens.admin;
      const [trusting, other] = [accessByDnsEndpoint(url, token, ca), accessByDnsEndpoint(url, token)];
      onTestFinished(async () => {
        await Promise.all([trusting.dispatcher.close(), other.dispatcher.close()]);
      });
      const read = (access: typeof other) => createKubernetesClient(access).get("/api/v1/namespaces/default");
      expect((await read(trusting))?.metadata.name).toBe("default");
      await expect(read(other)).rejects.toMatchObject({
        code: "FAILED_PRECONDITION",
        reason: "KUBERNETES_UNTRUSTED",
      });
      await expect(read({ ...trusting, token: async () => "wrong" })).rejects.toMatchObject({
        reason: "KUBERNETES_UNAUTHENTICATED",
      });
    },
  );
});
