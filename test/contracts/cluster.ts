// The law of the Cluster port, for every adapter and for a real head.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Cluster, RayJob, RayJobStatus } from "../../shared/ports/cluster.ts";

/** What the suite needs of a cluster: entrypoints that succeed, fail with a line, and never end. */
export interface ClusterUnderTest {
  readonly cluster: Cluster;
  readonly entrypoints: { readonly succeed: string; readonly fail: string; readonly hang: string };
  /** Longest wait for a job to get somewhere. */
  readonly waitMs: number;
}

/** Looks until the job is in one of the states, with a deadline. */
export async function waitForJob(
  cluster: Cluster,
  submissionId: string,
  states: readonly RayJobStatus["state"][],
  waitMs: number,
): Promise<RayJobStatus> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const job = await cluster.status(submissionId);
    if (states.includes(job.state)) return job;
    if (Date.now() > deadline) throw new Error(`${submissionId} is still ${job.state} after ${waitMs} ms`);
    await sleep(50);
  }
}

/** Tries the law on one cluster. */
export function itBehavesLikeCluster(name: string, start: () => Promise<ClusterUnderTest>): void {
  const job = (entrypoint: string): RayJob => ({
    submissionId: `contract-${randomUUID()}`,
    entrypoint,
    runtimeEnvironment: {},
    metadata: { run: "teams/default/runs/contract" },
  });

  describe(`the cluster port: ${name}`, () => {
    it("runs a job to success and keeps its log", async () => {
      const { cluster, entrypoints, waitMs } = await start();
      const { submissionId, ...rest } = job(entrypoints.succeed);
      await cluster.submit({ submissionId, ...rest });
      const ended = await waitForJob(cluster, submissionId, ["SUCCEEDED", "FAILED", "STOPPED"], waitMs);
      expect(ended.state).toBe("SUCCEEDED");
      expect(await cluster.logs(submissionId)).not.toBe("");
    });

    it("takes a second submission under the same id as the same job, one after the other and at once", async () => {
      const { cluster, entrypoints, waitMs } = await start();
      const twice = job(entrypoints.hang);
      await Promise.all([cluster.submit(twice), cluster.submit(twice)]);
      await cluster.submit(twice);
      await waitForJob(cluster, twice.submissionId, ["RUNNING"], waitMs);
      await cluster.stop(twice.submissionId);
      await waitForJob(cluster, twice.submissionId, ["STOPPED"], waitMs);
      await cluster.submit(twice);
      expect((await cluster.status(twice.submissionId)).state).toBe("STOPPED");
    });

    it("tells a failed job from a stopped one, with what it said", async () => {
      const { cluster, entrypoints, waitMs } = await start();
      const failing = job(entrypoints.fail);
      await cluster.submit(failing);
      const ended = await waitForJob(
        cluster,
        failing.submissionId,
        ["FAILED", "SUCCEEDED", "STOPPED"],
        waitMs,
      );
      expect(ended.state).toBe("FAILED");
      expect(ended.message).toContain("exit code");
      expect(await cluster.logs(failing.submissionId)).toContain("no such column");
    });

    it("shows no token that a job printed, neither in its log nor in what it failed of", async () => {
      const { cluster, entrypoints, waitMs } = await start();
      const talkative = job(`${entrypoints.fail} ghp_${"x".repeat(36)} https://me:hunter22@host/`);
      await cluster.submit(talkative);
      const { message } = await waitForJob(cluster, talkative.submissionId, ["FAILED"], waitMs);
      const shown = message + (await cluster.logs(talkative.submissionId));
      expect(shown).toContain("no such column");
      expect(shown).not.toMatch(/ghp_x|hunter22/);
    });

    it("does not know a job that was never submitted, and stops it without complaint", async () => {
      const { cluster } = await start();
      expect((await cluster.status("never-submitted")).state).toBe("absent");
      await cluster.stop("never-submitted");
      await expect(cluster.logs("never-submitted")).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    it("refuses a submission id that could be read as a path", async () => {
      const { cluster, entrypoints } = await start();
      const submissionId = "../up";
      await expect(cluster.submit({ ...job(entrypoints.succeed), submissionId })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        field: "submissionId",
      });
    });
  });
}
