// The public topic's door as Cloud Run starts it: the API's own process at the door for programs, Firestore on the official emulator,
// and a token that an issuer on loopback signed.
import { describe, expect, onTestFinished, test } from "vitest";
import { DOORS } from "../support/google/edge.ts";
import { ARTIFACT_SETTINGS } from "../support/google/artifact-settings.ts";
import { PROJECT } from "../support/google/google-front.ts";
import { createRestFront } from "../support/google/rest-front.ts";
import { RUNS_SETTINGS } from "../support/google/runs-settings.ts";
import { createSecretsFake } from "../support/google/secrets-fake.ts";
import { EMULATORS_MISSING, EMULATORS_NOTE, startOnGoogle } from "../support/google/service-on-google.ts";
import { formatPrincipals } from "../../shared/runtime/principals-file.ts";

const TIMEOUT_MS = 240_000;
const PREFIX = "signalbox-prod";
const SUBSCRIPTION = `projects/${PROJECT.id}/subscriptions/${PREFIX}-events`;
const MODEL = "teams/default/models/ranker";
const SETTINGS = {
  ...ARTIFACT_SETTINGS,
  ...RUNS_SETTINGS,
  SIGNALBOX_DOOR: "programs",
  SIGNALBOX_PREFIX: PREFIX,
  SIGNALBOX_HOSTS: "127.0.0.1",
  SIGNALBOX_AUDIENCES: "signalbox-api,https://api.example.com",
  SIGNALBOX_WORKFLOW_ACCOUNT: DOORS.programs.SIGNALBOX_WORKFLOW_ACCOUNT,
  SIGNALBOX_SUBSCRIPTION: SUBSCRIPTION,
  SIGNALBOX_BUILDS_FOLDER: `gs://${PROJECT.fences}/builds`,
  SIGNALBOX_GATEWAY: "signalbox-gateways/models",
  SIGNALBOX_BACKEND_PORT: "80",
};

const pushed = (event: Readonly<Record<string, unknown>>, subscription = SUBSCRIPTION): string =>
  JSON.stringify({
    message: {
      data: Buffer.from(JSON.stringify(event)).toString("base64"),
      messageId: "1",
      attributes: { "content-type": "application/cloudevents+json" },
    },
    subscription,
  });
const EVENT = {
  specversion: "1.0",
  id: "e1",
  source: "//trainer",
  type: "dev.signalbox.model-version.registered.v1",
  data: {
    model: "ranker",
    artifact: { uri: `${ARTIFACT_SETTINGS.SIGNALBOX_ARTIFACTS}/m`, digest: `sha256:${"0".repeat(64)}` },
  },
};

async function startApi() {
  const secrets = createSecretsFake(PROJECT.id);
  secrets.add(`${PREFIX}-principals`, formatPrincipals([]));
  secrets.add(`${PREFIX}-page-key`, Buffer.alloc(32, 5).toString("base64url"));
  const front = await createRestFront(secrets.fake);
  onTestFinished(() => front.close());
  return startOnGoogle("api", SETTINGS, { "secretmanager.googleapis.com": front });
}

describe.skipIf(EMULATORS_MISSING)(`${EMULATORS_NOTE}the topic's door of the API`, () => {
  test(
    "takes an event that its subscription pushes, once, and no other's",
    { timeout: TIMEOUT_MS },
    async () => {
      const { running, post, ledger } = await startApi();
      const path = "/v1/events:push";
      const facts = async () => (await ledger.read(MODEL)).facts.map(({ type, actor }) => [type, actor]);
      expect(await post(path, pushed(EVENT, `${SUBSCRIPTION}-other`))).toBe(403);
      expect(await facts()).toEqual([]);
      expect(await post(path, pushed(EVENT))).toBe(204);
      expect(await post(path, pushed(EVENT))).toBe(204);
      expect(await facts()).toEqual([["model-version.created", "topics/events"]]);
      expect(await running.stop()).toBe(0);
      expect(running.output()).not.toMatch(/ya29|eyJ/);
    },
  );
});
