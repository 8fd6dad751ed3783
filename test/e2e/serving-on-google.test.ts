// The serving journey as it is composed on Google Cloud, on a real API server: a registered version becomes a backend, a workflow moves
// traffic to it on an HTTPRoute, and a rollback takes it back while everything but the API and the cluster is gone.
import { expect, onTestFinished, test } from "vitest";
import { TRAFFIC_ANNOTATION } from "../../shared/adapters/kubernetes/route.ts";
import { createServingOnGoogle } from "../support/google/serving-on-google.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../support/kubernetes/found.ts";
import { until } from "../support/until.ts";

const JOURNEY_MS = 120_000;

test.skipIf(KUBERNETES_MISSING)(
  `${KUBERNETES_NOTE}a version is deployed, judged, promoted, and taken back`,
  { timeout: KUBERNETES_START_MS + 2 * JOURNEY_MS },
  async () => {
    const at = await createServingOnGoogle();
    onTestFinished(() => at.close());
    const promoted = (id: number) =>
      until(
        `version ${id} to be promoted`,
        async () => ((await at.stateOf(id)) === "PROMOTED" ? true : undefined),
        JOURNEY_MS,
      );
    await at.configure();
    await at.register(1);
    await promoted(1);
    await at.register(2);
    await promoted(2);
    expect(at.refused).toEqual([]);

    const route = await at.route();
    expect(route?.spec).toMatchObject({
      parentRefs: [{ namespace: "signalbox-gateways", name: "models" }],
      rules: [
        {
          backendRefs: [
            { name: at.backendOf(2), port: 80, weight: 100 },
            { name: at.backendOf(1), port: 80, weight: 0 },
          ],
        },
      ],
    });
    const traffic = JSON.parse(route?.metadata.annotations?.[TRAFFIC_ANNOTATION] ?? "{}") as {
      epoch: number;
    };
    expect(traffic.epoch).toBe(3);
    expect([...at.deploy.fake.releases.values()]).toHaveLength(2);
    expect(
      at.workflows.front.requests.some((line) => line.includes("/workflows/signalbox-test-canary/")),
    ).toBe(true);

    await at.edit([{ name: at.backendOf(1), weight: 100 }]);
    await until("the drift to be told", () =>
      at.log.lines.find(
        ({ level, message }) => level === "error" && message.includes("changed by somebody else"),
      ),
    );

    await at.outage();
    const answer = await at.rollback("errors");
    expect([answer.status, await answer.json()]).toMatchObject([200, { to: at.versionOf(1), epoch: 4 }]);
    // It writes over whatever is there.
    const [serving] = (await at.route())?.spec?.rules?.[0]?.backendRefs ?? [];
    expect(serving).toMatchObject({ name: at.backendOf(1), weight: 100 });
  },
);
