// In which world a process runs is said once, and all that is wrong with it in one message.
import { Type } from "typebox";
import { expect, test } from "vitest";
import { configure, type Door } from "../../../scripts/compose/world.ts";

const OWN = { SIGNALBOX_STATE: Type.String({ description: "set it." }) };
const OWN_OF_CLOUD = { SIGNALBOX_PREFIX: Type.String({ description: "set it." }) };
const CLOUD = {
  SIGNALBOX_STATE: "/tmp/state",
  SIGNALBOX_WORLD: "google-cloud",
  GOOGLE_CLOUD_PROJECT: "p",
  SIGNALBOX_DATABASE: "signalbox",
  SIGNALBOX_FACTS_TOPIC: "signalbox-facts",
  SIGNALBOX_SUBSCRIPTION: "projects/p/subscriptions/s",
  SIGNALBOX_AUDIENCES: "signalbox-registry,https://registry",
  SIGNALBOX_PUSH_ACCOUNT: "to-registry@p.iam.gserviceaccount.com",
};
const EMULATORS = { FIRESTORE_EMULATOR_HOST: "127.0.0.1:1", PUBSUB_EMULATOR_HOST: "127.0.0.1:2" };

test("a whole environment of Cloud Run is a world, with the first audience and whoever may push", () => {
  expect(configure(CLOUD, "pushed", OWN).world).toMatchObject({
    kind: "google-cloud",
    emulators: undefined,
    audience: "signalbox-registry",
    senders: ["to-registry@p.iam.gserviceaccount.com"],
  });
});

test.each([{ K_SERVICE: "registry" }, { CLOUD_RUN_JOB: "rebuild-views" }, { NODE_ENV: "production" }])(
  "production (%j) refuses emulators, and names all that is missing besides",
  (production) => {
    const {
      SIGNALBOX_DATABASE: _database,
      SIGNALBOX_STATE: _state,
      SIGNALBOX_AUDIENCES: _audiences,
      ...rest
    } = CLOUD;
    expect(() => configure({ ...rest, ...EMULATORS, ...production }, "pushed", OWN, OWN_OF_CLOUD)).toThrow(
      /SIGNALBOX_STATE is missing[\s\S]*FIRESTORE_EMULATOR_HOST is set[\s\S]*PUBSUB_EMULATOR_HOST is set[\s\S]*SIGNALBOX_DATABASE is missing[\s\S]*SIGNALBOX_AUDIENCES is missing[\s\S]*SIGNALBOX_PREFIX is missing/,
    );
  },
);

test("with emulators nobody is asked who pushes; with one of the two nothing starts", () => {
  const { SIGNALBOX_AUDIENCES: _audiences, SIGNALBOX_PUSH_ACCOUNT: _account, ...rest } = CLOUD;
  expect(configure({ ...rest, ...EMULATORS }, "pushed", OWN).world).toMatchObject({ senders: [] });
  expect(() => configure({ ...CLOUD, FIRESTORE_EMULATOR_HOST: "127.0.0.1:1" }, "pushed", OWN)).toThrow(
    /set both/,
  );
  expect(() => configure(rest, "pushed", OWN)).toThrow(
    /SIGNALBOX_PUSH_ACCOUNT is missing[\s\S]*SIGNALBOX_AUDIENCES is missing/,
  );
});

test("without a world it is this machine, and a service that is pushed to needs its token", () => {
  expect(configure({ SIGNALBOX_STATE: "s" }, "called", OWN).world).toMatchObject({ kind: "embedded" });
  expect(() => configure({ SIGNALBOX_STATE: "s" }, "pushed", OWN)).toThrow(/SIGNALBOX_PUSH_TOKEN is missing/);
});

test("an edge that a schedule calls is not started without the account of the schedule", () => {
  const scheduler = "scheduler@p.iam.gserviceaccount.com";
  expect(
    configure({ ...CLOUD, SIGNALBOX_SCHEDULER_ACCOUNT: scheduler }, "called-and-scheduled", OWN).world,
  ).toMatchObject({ audience: "signalbox-registry", senders: [scheduler], subscription: "" });
  expect(() => configure(CLOUD, "called-and-scheduled", OWN)).toThrow(
    /SIGNALBOX_SCHEDULER_ACCOUNT is missing/,
  );
  // The console has neither, and asks for neither.
  const { SIGNALBOX_AUDIENCES: _audiences, ...rest } = CLOUD;
  expect(configure(rest, "called", OWN).world).toMatchObject({ senders: [] });
});

test("a token without signature is good only on Cloud Run, at a service whose callers IAM is asked about", () => {
  const scheduled = { ...CLOUD, SIGNALBOX_SCHEDULER_ACCOUNT: "scheduler@p.iam.gserviceaccount.com" };
  const checked = (environment: Readonly<Record<string, string>>, door: Door) =>
    (configure(environment, door, OWN).world as { readonly checkedInFront?: boolean }).checkedInFront;
  expect(checked({ ...CLOUD, K_SERVICE: "registry" }, "pushed")).toBe(true);
  expect(checked({ ...scheduled, K_SERVICE: "relay" }, "scheduled")).toBe(true);
  expect(checked(CLOUD, "pushed")).toBe(false);
  expect(checked({ ...scheduled, K_SERVICE: "webhook" }, "called-and-scheduled")).toBe(false);
  expect(checked({ ...CLOUD, ...EMULATORS }, "pushed")).toBe(false);
});
