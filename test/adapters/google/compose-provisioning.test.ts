// With all its settings each service composes on Google Cloud without asking anybody; each setting that is missing is named.
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { GOOGLE_PROVISIONING, GOOGLE_SECRETS } from "../../../scripts/compose/google-settings.ts";
import { buildPlaceOf, openGoogleProvisioning } from "../../../scripts/compose/open-google-provisioning.ts";
import {
  deadSubscriptions,
  openGoogleDeadLetters,
} from "../../../scripts/compose/open-google-dead-letters.ts";
import { openGoogleSecrets } from "../../../scripts/compose/open-google-secrets.ts";
import { configure } from "../../../scripts/compose/world.ts";
import type { DeadLetters } from "../../../shared/ports/dead-letters.ts";
import type { Secrets } from "../../../shared/ports/secrets.ts";
import { createLog } from "../../../shared/runtime/log.ts";

const ENVIRONMENT: Readonly<Record<string, string>> = {
  SIGNALBOX_WORLD: "google-cloud",
  GOOGLE_CLOUD_PROJECT: "example-prod",
  SIGNALBOX_DATABASE: "signalbox",
  SIGNALBOX_FACTS_TOPIC: "signalbox-facts",
  SIGNALBOX_SUBSCRIPTION: "projects/example-prod/subscriptions/s",
  SIGNALBOX_AUDIENCES: "signalbox-provisioner",
  SIGNALBOX_PUSH_ACCOUNT: "to-provisioner@example-prod.iam.gserviceaccount.com",
  SIGNALBOX_PREFIX: "signalbox-prod",
  SIGNALBOX_REGION: "us-central1",
  SIGNALBOX_BUCKETS: JSON.stringify({ receipts: "r", plans: "the-plans", state: "the-states" }),
  SIGNALBOX_BUILDS_FOLDER: "gs://the-fences/builds",
  SIGNALBOX_HINTS: JSON.stringify({ "cloud-builds": "projects/example-prod/subscriptions/h" }),
  SIGNALBOX_BUILD_POOL: "default",
  SIGNALBOX_BUILD_IMAGE: `us-docker.pkg.dev/p/r/builds@sha256:${"0".repeat(64)}`,
  SIGNALBOX_BUILD_IDENTITIES: JSON.stringify({
    digest: "d@p",
    "tf-plan": "plan@p",
    "tf-apply-prod": "apply@p",
  }),
};
const log = createLog("test", { write: () => true });
const pem = (): string =>
  generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs1", format: "pem" })
    .toString();

const secretsOf = (texts: Readonly<Record<string, string>>): Secrets => ({
  get: async (name) => ({ current: texts[name] ?? "" }),
});
const settings = (environment = ENVIRONMENT) => {
  const { cloud } = configure(environment, "pushed", {}, GOOGLE_PROVISIONING);
  if (cloud === undefined) throw new Error("this is Google Cloud");
  return cloud;
};

test("the provisioner composes from its settings and secrets", async () => {
  const secrets = secretsOf({
    "plan-key": "ab".repeat(32),
    "github-app": JSON.stringify({ id: 7, pem: pem() }),
  });
  const ports = await openGoogleProvisioning(settings(), { secrets, log });
  expect(Object.keys(ports).toSorted()).toEqual(["access", "blobs", "builds", "checks", "codeHost"]);
  // Nobody is signed in here: that is told to whoever asks for a build, and to nobody else.
  await expect(ports.builds.cancel("plan-1")).rejects.toMatchObject({ name: "ControlPlaneError" });
});

test("builds are told their buckets and run under the identity of their phase, in a pool where there is one", () => {
  const pool = "projects/p/locations/l/workerPools/w";
  expect(buildPlaceOf(settings({ ...ENVIRONMENT, SIGNALBOX_BUILD_POOL: pool }))).toEqual({
    project: "example-prod",
    location: "us-central1",
    image: ENVIRONMENT["SIGNALBOX_BUILD_IMAGE"],
    folder: "gs://the-fences/builds",
    identities: { plan: "plan@p", apply: "apply@p" },
    workerPool: pool,
    environment: { SIGNALBOX_PLANS_BUCKET: "the-plans", SIGNALBOX_STATE_BUCKET: "the-states" },
  });
  expect(buildPlaceOf(settings())).not.toHaveProperty("workerPool");
});

test("an App that cannot be read is refused without a word of its key", async () => {
  const secrets = secretsOf({ "plan-key": "k", "github-app": '{"id": 7, "pem": "SECRETKEY' });
  const refusal = openGoogleProvisioning(settings(), { secrets, log });
  await expect(refusal).rejects.toMatchObject({ reason: "SECRET_UNREADABLE" });
  await expect(refusal).rejects.not.toThrow(/SECRETKEY/);
});

test.each(Object.keys(GOOGLE_PROVISIONING))("a missing %s is named", (name) => {
  const { [name]: _left, ...rest } = ENVIRONMENT;
  expect(() => settings(rest)).toThrow(new RegExp(`- ${name} is missing: `));
});

test("a bucket or an account that is not in its list is a problem of that setting, and all are told at once", () => {
  const wrong = { SIGNALBOX_BUCKETS: '{"plans":"p"}', SIGNALBOX_BUILD_IDENTITIES: '{"tf-plan":"a@p"}' };
  expect(() => settings({ ...ENVIRONMENT, ...wrong })).toThrow(
    /- SIGNALBOX_BUCKETS [\s\S]*- SIGNALBOX_BUILD_IDENTITIES /,
  );
});

test("the webhook's secrets are those of the installation; embedded and with emulators nothing more is asked", () => {
  const { cloud } = configure(ENVIRONMENT, "called", {}, GOOGLE_SECRETS);
  expect(cloud).toEqual({ project: "example-prod", SIGNALBOX_PREFIX: "signalbox-prod" });
  expect(openGoogleSecrets({ project: "example-prod", SIGNALBOX_PREFIX: "signalbox-prod" })).toHaveProperty(
    "get",
  );
  expect(configure({}, "called", {}, GOOGLE_SECRETS).cloud).toBeUndefined();
  const emulators = { FIRESTORE_EMULATOR_HOST: "127.0.0.1:1", PUBSUB_EMULATOR_HOST: "127.0.0.1:2" };
  const { SIGNALBOX_PREFIX: _prefix, ...rest } = ENVIRONMENT;
  expect(configure({ ...rest, ...emulators }, "called", {}, GOOGLE_SECRETS).cloud).toBeUndefined();
});

test("the relay takes the dead letters of every service that is pushed to, under the names that Terraform gives", async () => {
  const { cloud } = configure(
    { ...ENVIRONMENT, SIGNALBOX_SCHEDULER_ACCOUNT: "scheduler@p" },
    "scheduled",
    {},
    GOOGLE_SECRETS,
  );
  if (cloud === undefined) throw new Error("this is Google Cloud");
  expect(deadSubscriptions("signalbox-prod")).toEqual({
    provisioner: "signalbox-prod-facts-provisioner-dead",
    registry: "signalbox-prod-facts-registry-dead",
    rollout: "signalbox-prod-facts-rollout-dead",
    data: "signalbox-prod-facts-data-dead",
    notifier: "signalbox-prod-facts-notifier-dead",
  });
  const deadLetters = {} as DeadLetters;
  const givenUp = await openGoogleDeadLetters(cloud, { deadLetters, log });
  expect(givenUp).toHaveProperty("take");
  await givenUp.close();
});
