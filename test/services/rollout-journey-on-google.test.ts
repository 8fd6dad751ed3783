// The rollout service as Cloud Run starts it, from a registration that is pushed to it to the workflow that it starts.
import { describe, expect, test } from "vitest";
import { rolloutName } from "../../shared/domain/rollout-name.ts";
import { startRolloutOnGoogle } from "../support/google/rollout-on-google.ts";
import { EMULATORS_MISSING, EMULATORS_NOTE } from "../support/google/service-on-google.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 240_000;
const CANARY = /^POST .*\/workflows\/signalbox-prod-canary\/executions$/;

describe.skipIf(EMULATORS_MISSING)(`${EMULATORS_NOTE}the rollout service on Google Cloud`, () => {
  test(
    "starts the rollout of a registered version once, however often it is told, and ends what it works on when it is stopped",
    { timeout: TIMEOUT_MS },
    async () => {
      const at = await startRolloutOnGoogle();
      const started = () => at.workflows.requests.filter((line) => CANARY.test(line)).length;
      const all = (statuses: readonly number[]) => [...new Set(statuses)];

      await at.configure("ranker");
      const version = await at.register("ranker", 1);
      expect(all(await at.carry())).toEqual([204]);
      const rollout = rolloutName("teams/default/endpoints/ranker", version, 1);
      const { facts } = await at.ledger.read(rollout);
      expect(facts.map(({ type }) => type)).toEqual(["rollout.queued", "rollout.started"]);
      expect([...at.deploy.releases.values()]).toHaveLength(1);
      await until("the release to be in the cluster", () =>
        at.deploy.notifications.some(({ attributes }) => attributes["Action"] === "Succeed")
          ? true
          : undefined,
      );
      expect(at.refused).toEqual([]);
      expect(started()).toBe(1);
      expect(await at.views.get("rollouts", rollout)).toMatchObject({
        state: "RUNNING",
        modelVersion: version,
      });

      const before = await at.facts();
      expect(all(await at.again())).toEqual([204]);
      expect(all(await at.again())).toEqual([204]);
      expect(await at.facts()).toEqual(before);
      expect([at.deploy.releases.size, at.deploy.rollouts.size, started()]).toEqual([1, 1, 1]);

      // The next one's workflow is created, and the answer is late: meanwhile the service is asked to stop.
      const { promise: late, resolve: answer } = Promise.withResolvers<void>();
      at.workflows.fail(CANARY, { kind: "late", until: late });
      await at.configure("scorer");
      await at.register("scorer", 1);
      const carrying = at.carry();
      await until("the workflow to be asked for", () => (started() === 2 ? true : undefined), 60_000);
      const stopped = at.running.stop();
      answer();
      expect(all(await carrying)).toEqual([204]);
      expect(await stopped).toBe(0);
      expect([at.deploy.releases.size, started()]).toEqual([2, 2]);
      expect(at.running.output()).toContain('"rollout stopped"');
      expect(at.running.output()).not.toMatch(/ya29|eyJ|PRIVATE KEY/);
    },
  );
});
