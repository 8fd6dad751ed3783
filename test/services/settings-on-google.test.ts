// Every service, at both doors of the API, with nothing but the world that it is in: what is missing is told at once, all of it, and
// nothing starts. What is told is held against what Terraform sets on the service.
import { expect, test } from "vitest";
import {
  GOOGLE_API_OF_PEOPLE,
  GOOGLE_API_OF_PROGRAMS,
  GOOGLE_CONSOLE,
  GOOGLE_DATA,
  GOOGLE_PROVISIONING,
  GOOGLE_REGISTRY,
  GOOGLE_ROLLOUT,
  GOOGLE_SECRETS,
  GOOGLE_WEBHOOK,
} from "../../scripts/compose/google-settings.ts";
import { readTopology } from "../../scripts/compose/topology.ts";
import { startService } from "../support/service-process.ts";
import { readSource } from "../support/source-files.ts";

const TIMEOUT_MS = 120_000;
const ALL = ["SIGNALBOX_STATE", "GOOGLE_CLOUD_PROJECT", "SIGNALBOX_DATABASE", "SIGNALBOX_FACTS_TOPIC"];
const PUSHED = [...ALL, "SIGNALBOX_SUBSCRIPTION", "SIGNALBOX_AUDIENCES", "SIGNALBOX_PUSH_ACCOUNT"];
const SCHEDULED = [...ALL, "SIGNALBOX_AUDIENCES", "SIGNALBOX_SCHEDULER_ACCOUNT"];
const API_URL = "SIGNALBOX_API_URL";

/** Service → what it cannot do without, besides its own settings of Google Cloud. */
const SERVICES: readonly (readonly [
  name: string,
  own: Readonly<Record<string, unknown>>,
  shared: readonly string[],
  door: string,
])[] = [
  ["webhook", GOOGLE_WEBHOOK, SCHEDULED, ""],
  ["provisioner", GOOGLE_PROVISIONING, [...PUSHED, API_URL], ""],
  ["registry", GOOGLE_REGISTRY, PUSHED, ""],
  ["rollout", GOOGLE_ROLLOUT, [...PUSHED, API_URL], ""],
  ["data", GOOGLE_DATA, [...PUSHED, API_URL], ""],
  ["notifier", GOOGLE_SECRETS, PUSHED, ""],
  ["relay", GOOGLE_SECRETS, SCHEDULED, ""],
  ["api", GOOGLE_API_OF_PEOPLE, ALL, "people"],
  ["api", GOOGLE_API_OF_PROGRAMS, ALL, "programs"],
  ["console", GOOGLE_CONSOLE, ALL, ""],
];
/** What Cloud Run sets, and what this test says. */
const GIVEN: ReadonlySet<string> = new Set(["K_SERVICE", "SIGNALBOX_DOOR"]);

const terraform = readSource("terraform/control-plane/services.tf");

test("no service is left out", () => {
  expect([...new Set(SERVICES.map(([name]) => name))].toSorted()).toEqual(
    Object.keys(readTopology()).toSorted(),
  );
});

test.each(SERVICES)(
  "%s in production with an emulator and without its settings says in one message all that is wrong, and does not start",
  async (name, own, shared, door) => {
    const running = startService(name, {
      SIGNALBOX_WORLD: "google-cloud",
      SIGNALBOX_DOOR: door,
      K_SERVICE: name,
      FIRESTORE_EMULATOR_HOST: "127.0.0.1:1",
    });
    expect(await running.ended()).toBe(1);
    const output = running.output();
    expect(output).toContain("FIRESTORE_EMULATOR_HOST is set, and this is production");
    expect(output.split("The configuration is not usable.").length).toBe(2);
    const told = new Set([...output.matchAll(/- (\w+) is missing: /g)].map(([, variable = ""]) => variable));
    const wanted = new Set([...shared, ...Object.keys(own)].filter((each) => !GIVEN.has(each)));
    expect([...told].toSorted()).toEqual([...wanted].toSorted());
    for (const variable of wanted) expect(terraform).toContain(variable);
    expect(output).not.toContain(`"${name} started"`);
  },
  TIMEOUT_MS,
);

test(
  "a setting that is wrong is told beside those that are missing, without its value",
  { timeout: TIMEOUT_MS },
  async () => {
    const running = startService("registry", {
      SIGNALBOX_WORLD: "google-cloud",
      SIGNALBOX_BUILD_IMAGE: "a-canary:latest",
    });
    expect(await running.ended()).toBe(1);
    expect(running.output()).toMatch(/- SIGNALBOX_BUILD_IMAGE .*by digest/);
    expect(running.output()).toContain("SIGNALBOX_ARTIFACTS is missing");
    expect(running.output()).not.toContain("a-canary");
  },
);
