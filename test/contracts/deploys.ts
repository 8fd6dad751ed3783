import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BackendStatus, Deploys, ReleaseRequest } from "../../shared/ports/deploys.ts";
import { until } from "../support/gateway-fixture.ts";

/** What an adapter brings to be tried. */
export interface DeploysTrial {
  readonly deploys: Deploys;
  /** A request for a new backend: one that serves, or one that will not. */
  request(kind: "serves" | "never-ready" | "wrong-digest"): Promise<ReleaseRequest>;
  /** How many servers were ever started for this backend. */
  starts(backend: string): Promise<number>;
  /** Kills what serves this backend, as a fault would. */
  kill(backend: string): Promise<void>;
  dispose(): Promise<void>;
}

const STATUS_TIMEOUT_MS = 1_000;

/** The law of the Deploys port, for any adapter. */
export function deploysContract(name: string, create: () => Promise<DeploysTrial>): void {
  describe(`${name} keeps the law of deploys`, () => {
    let trial: DeploysTrial;
    beforeEach(async () => {
      trial = await create();
    });
    afterEach(() => trial.dispose());

    async function reach(backend: string, state: BackendStatus["state"]): Promise<BackendStatus> {
      let status = await trial.deploys.status(backend, STATUS_TIMEOUT_MS);
      await until(`${backend} to be ${state} (it was ${status.state}: ${status.message})`, async () => {
        status = await trial.deploys.status(backend, STATUS_TIMEOUT_MS);
        return status.state === state;
      });
      return status;
    }

    it("knows nothing about a backend that was never prepared", async () => {
      expect(await trial.deploys.status("ranker-9-00000000", STATUS_TIMEOUT_MS)).toMatchObject({
        state: "unknown",
      });
      await trial.deploys.retire("ranker-9-00000000");
    });

    it("brings a backend from preparing to ready", async () => {
      const request = await trial.request("serves");
      await trial.deploys.prepare(request);
      expect(["preparing", "ready"]).toContain(
        (await trial.deploys.status(request.backend, STATUS_TIMEOUT_MS)).state,
      );
      await reach(request.backend, "ready");
    });

    it("starts a backend once however often it is prepared", async () => {
      const request = await trial.request("serves");
      await Promise.all(Array.from({ length: 5 }, () => trial.deploys.prepare(request)));
      await reach(request.backend, "ready");
      await trial.deploys.prepare(request);
      expect(await trial.starts(request.backend)).toBe(1);
    });

    it("starts nothing whose artifact is not what was registered", async () => {
      const request = await trial.request("wrong-digest");
      await trial.deploys.prepare(request);
      expect((await reach(request.backend, "failed")).message).toMatch(/digest/);
      expect(await trial.starts(request.backend)).toBe(0);
    });

    it("fails a backend that never becomes ready, and leaves it failed until it is retired", async () => {
      const request = await trial.request("never-ready");
      await trial.deploys.prepare(request);
      expect((await reach(request.backend, "failed")).message).toMatch(/never became ready/);
      await trial.deploys.prepare(request);
      expect(await trial.deploys.status(request.backend, STATUS_TIMEOUT_MS)).toMatchObject({
        state: "failed",
      });
      await trial.deploys.retire(request.backend);
      expect(await trial.deploys.status(request.backend, STATUS_TIMEOUT_MS)).toMatchObject({ state: "cold" });
    });

    it("starts a backend again that died", async () => {
      const request = await trial.request("serves");
      await trial.deploys.prepare(request);
      await reach(request.backend, "ready");
      await trial.kill(request.backend);
      await until("a second start", async () => (await trial.starts(request.backend)) === 2);
      await reach(request.backend, "ready");
    });

    it("retires a backend, and can prepare it again", async () => {
      const request = await trial.request("serves");
      await trial.deploys.prepare(request);
      await reach(request.backend, "ready");
      await trial.deploys.retire(request.backend);
      await trial.deploys.retire(request.backend);
      expect(await trial.deploys.status(request.backend, STATUS_TIMEOUT_MS)).toMatchObject({ state: "cold" });
      await trial.deploys.prepare(request);
      await reach(request.backend, "ready");
    });

    it("warms a retired backend from its own memory, and leaves a running one as it is", async () => {
      const request = await trial.request("serves");
      await trial.deploys.prepare(request);
      await reach(request.backend, "ready");
      expect(await trial.deploys.warm(request.backend)).toBe(true);
      expect(await trial.starts(request.backend)).toBe(1);
      await trial.deploys.retire(request.backend);
      expect(await trial.deploys.warm(request.backend)).toBe(true);
      await reach(request.backend, "ready");
      expect(await trial.starts(request.backend)).toBe(2);
    });

    it("cannot warm a backend that was never prepared", async () => {
      expect(await trial.deploys.warm("ranker-9-00000000")).toBe(false);
    });
  });
}
