// The registry as Cloud Run starts it: what is small it verifies itself, what is large a build of the image of builds.
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ARTIFACT_BYTES_HERE_MAX } from "../../shared/adapters/google/artifacts.ts";
import { ARTIFACT_SETTINGS } from "../support/google/artifact-settings.ts";
import { PROJECT } from "../support/google/google-front.ts";
import { EMULATORS_MISSING, EMULATORS_NOTE, startOnGoogle } from "../support/google/service-on-google.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 240_000;
const MODEL = "teams/default/models/ranker";
const HINT = `projects/${PROJECT.id}/subscriptions/signalbox-registry-cloud-builds`;
const SETTINGS = {
  ...ARTIFACT_SETTINGS,
  SIGNALBOX_ARTIFACTS: `gs://${PROJECT.artifacts}`,
  SIGNALBOX_DIGESTS_FOLDER: `gs://${PROJECT.fences}/artifacts`,
  SIGNALBOX_REGION: PROJECT.region,
  SIGNALBOX_HINTS: JSON.stringify({ "cloud-builds": HINT }),
};

describe.skipIf(EMULATORS_MISSING)(`${EMULATORS_NOTE}the registry on Google Cloud`, () => {
  test("verifies a small artifact itself, and a large one by a build", { timeout: TIMEOUT_MS }, async () => {
    const { google, running, post, told, ledger, views } = await startOnGoogle("registry", SETTINGS);
    const register = (id: string, bytes: Buffer): Promise<number> => {
      google.artifacts.overwrite(`ranker/${id}`, bytes);
      const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      const artifact = { uri: `gs://${PROJECT.artifacts}/ranker/${id}`, digest };
      const data = { modelVersion: `${MODEL}/versions/${id}`, artifact, datasets: [], metrics: {} };
      return told(MODEL, { type: "model-version.created", data });
    };
    const types = async () => (await ledger.read(MODEL)).facts.map(({ type }) => type);

    expect(await register("1", Buffer.from("small"))).toBe(204);
    expect(await types()).toEqual(["model-version.created", "model-version.verified"]);

    expect(await register("2", randomBytes(ARTIFACT_BYTES_HERE_MAX + 1))).toBe(204);
    expect((await types()).at(-1)).toBe("model-version.created");
    expect(await views.list({ collection: "unverifiedModelVersions", limit: 10 })).toMatchObject([
      { key: `${MODEL}/versions/2` },
    ]);
    const { data, attributes } = await until("the build to end", () =>
      google.builds.notifications.find((each) => each.attributes.status === "SUCCESS"),
    );
    const message = { data: data.toString("base64"), attributes, messageId: "1" };
    expect(await post("/hints/cloud-builds", JSON.stringify({ message, subscription: HINT }))).toBe(204);
    expect((await types()).at(-1)).toBe("model-version.verified");
    expect(google.builds.builds.size).toBe(1);
    expect(await running.stop()).toBe(0);
    expect(running.output()).not.toMatch(/ya29|eyJ/);
  });
});
