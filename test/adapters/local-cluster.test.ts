import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { itBehavesLikeCluster } from "../contracts/cluster.ts";
import { startRayFake } from "../support/ray-fake.ts";

const job = {
  submissionId: "catalogue-1",
  entrypoint: "succeed",
  runtimeEnvironment: { env_vars: { A: "1" } },
  metadata: { run: "r" },
};

async function fake(options?: Parameters<typeof startRayFake>[0]) {
  const ray = await startRayFake(options);
  onTestFinished(() => ray.close());
  return ray;
}

itBehavesLikeCluster("the Jobs REST API on a fake head", async () => {
  const ray = await fake();
  return {
    cluster: createCluster({ address: ray.address }),
    entrypoints: { succeed: "succeed", fail: "fail no such column", hang: "hang" },
    waitMs: 5_000,
  };
});

describe("the cluster adapter", () => {
  it("hands entrypoint, runtime environment and metadata on unchanged", async () => {
    const ray = await fake();
    await createCluster({ address: ray.address }).submit(job);
    expect(ray.jobs.get("catalogue-1")).toMatchObject({
      entrypoint: "succeed",
      runtimeEnvironment: { env_vars: { A: "1" } },
      metadata: { run: "r" },
    });
  });

  it("is UNAVAILABLE while the head is away, and well again when it is back", async () => {
    const ray = await fake();
    const cluster = createCluster({ address: ray.address });
    ray.away(true);
    await expect(cluster.status("x")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "RAY_UNREACHABLE",
    });
    ray.away(false);
    expect((await cluster.status("x")).state).toBe("absent");
  });

  it("is UNAVAILABLE when the head accepts and never answers", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cluster = createCluster({ address, timeoutMs: 100 });
    await expect(cluster.status("x")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("sends the head's token, and says which token is missing", async () => {
    const ray = await fake({ token: "hush" });
    expect((await createCluster({ address: ray.address, token: "hush" }).status("x")).state).toBe("absent");
    await expect(createCluster({ address: ray.address }).status("x")).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "RAY_UNAUTHORIZED",
    });
  });

  it("is FAILED_PRECONDITION without a head", async () => {
    const cluster = createCluster({ address: undefined });
    expect(cluster.address).toBeUndefined();
    const calls = [
      () => cluster.submit(job),
      () => cluster.status("x"),
      () => cluster.stop("x"),
      () => cluster.logs("x"),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: "FAILED_PRECONDITION", reason: "NO_RAY" });
  });
});
