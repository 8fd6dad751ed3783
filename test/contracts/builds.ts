import { beforeEach, describe, expect, it } from "vitest";
import type { BuildResult, Builds, BuildSpec } from "../../shared/ports/builds.ts";
import { until } from "../support/until.ts";

/** Builds, with what the contract needs around them. */
export interface BuildsFixture {
  readonly builds: Builds;
  /** The same builds as another process of ours would see them after a restart. */
  readonly restarted: () => Builds;
  /** A plan that takes no time. */
  readonly quick: BuildSpec;
  /** An apply that does not end by itself within the test. */
  readonly slow: () => Promise<BuildSpec>;
  /** Kills the process of a running build, as the out-of-memory killer would. */
  readonly kill: (id: string) => Promise<void>;
}

/** The result of a build, once it has one. */
export function resultOf(builds: Builds, id: string): Promise<BuildResult> {
  return until(`the result of ${id}`, async () => {
    const status = await builds.status(id);
    return status.state === "done" ? status.result : undefined;
  });
}

/** The law of the Builds port, for any adapter. */
export function buildsContract(name: string, create: () => Promise<BuildsFixture>): void {
  describe(`${name} keeps the law of builds`, () => {
    let fixture: BuildsFixture;
    beforeEach(async () => {
      fixture = await create();
    });

    it("knows no build that was not started", async () => {
      expect(await fixture.builds.status("plan-web-none")).toStrictEqual({ state: "unknown" });
      expect(await fixture.builds.logs("plan-web-none", 0)).toStrictEqual({
        text: "",
        next: 0,
        complete: false,
      });
      await fixture.builds.cancel("plan-web-none");
      expect(await fixture.builds.status("plan-web-none")).toStrictEqual({ state: "unknown" });
    });

    it("knows a build as soon as start resolves, and later its result", async () => {
      const { builds, quick } = fixture;
      await builds.start("b1", quick);
      expect((await builds.status("b1")).state).not.toBe("unknown");
      expect(await resultOf(builds, "b1")).toMatchObject({ state: "planned", counts: { create: 1 } });
    });

    it("starts an id once, however often and by whomever it is asked", async () => {
      const { builds, restarted, quick } = fixture;
      await Promise.all([
        builds.start("b1", quick),
        builds.start("b1", quick),
        restarted().start("b1", quick),
      ]);
      await resultOf(builds, "b1");
      const before = await builds.status("b1");
      const log = await builds.logs("b1", 0);
      await builds.start("b1", quick);
      await restarted().start("b1", { ...quick, timeLimitMs: 1 });
      expect(await restarted().status("b1")).toStrictEqual(before);
      expect(await restarted().logs("b1", 0)).toStrictEqual(log);
    });

    it("adopts a running build after a restart", async () => {
      const { builds, restarted, slow } = fixture;
      await builds.start("b1", await slow());
      const adopted = restarted();
      expect((await adopted.status("b1")).state).toBe("running");
      await adopted.cancel("b1");
      await resultOf(adopted, "b1");
    });

    it("calls a build whose process is gone interrupted, for ever", async () => {
      const { builds, restarted, slow, kill } = fixture;
      const spec = await slow();
      await builds.start("b1", spec);
      await kill("b1");
      expect(await resultOf(restarted(), "b1")).toMatchObject({ state: "failed", reason: "INTERRUPTED" });
      const settled = await builds.status("b1");
      await builds.start("b1", spec);
      expect(await builds.status("b1")).toStrictEqual(settled);
    });

    it("stops a build that is cancelled, and says so", async () => {
      const { builds, slow } = fixture;
      await builds.start("b1", await slow());
      await until("Terraform's first line", async () => {
        const { text } = await builds.logs("b1", 0);
        return text.includes("Creating") ? true : undefined;
      });
      await builds.cancel("b1");
      expect(await resultOf(builds, "b1")).toMatchObject({ state: "failed", reason: "CANCELLED" });
    });

    it("hands out the log from any place on, and says when it is complete", async () => {
      const { builds, quick } = fixture;
      await builds.start("b1", quick);
      await resultOf(builds, "b1");
      const whole = await builds.logs("b1", 0);
      expect(whole.complete).toBe(true);
      expect(whole.next).toBe(whole.text.length);
      const rest = await builds.logs("b1", 10);
      expect(rest.text).toBe(whole.text.slice(10));
      expect(await builds.logs("b1", whole.next)).toStrictEqual({
        text: "",
        next: whole.next,
        complete: true,
      });
    });

    it("refuses ids that would lead elsewhere", async () => {
      for (const id of ["../x", "a/b", "", "A", "-a", "a".repeat(300)]) {
        await expect((async () => fixture.builds.start(id, fixture.quick))()).rejects.toThrow(
          "is not a build id",
        );
      }
    });
  });
}
