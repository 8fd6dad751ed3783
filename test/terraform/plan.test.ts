// What Terraform would make of the topology, from a mocked plan, beside the topology itself; and what it costs while nothing happens.
import { join } from "node:path";
import type { TProperties } from "typebox";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { idleCosts, totalOf } from "../../bench/idle-prices.ts";
import {
  GOOGLE_CONSOLE,
  GOOGLE_PROVISIONING,
  GOOGLE_ROLLOUT,
  GOOGLE_SECRETS,
  googleApi,
} from "../../scripts/compose/google-settings.ts";
import { ALL_VIEWS } from "../../scripts/compose/rebuild-views.ts";
import { readJobs, readTopology } from "../../scripts/compose/topology.ts";
import { configure, type Door } from "../../scripts/compose/world.ts";
import { deployments } from "../../scripts/delivery/deployments.ts";
import type { Environment } from "../../shared/runtime/config.ts";
import { emulatorJar, emulatorMissing } from "../support/google/emulators.ts";
import { jobOnGoogle, type PlannedJob } from "../support/google/job-on-google.ts";
import { readSource } from "../support/source-files.ts";
import {
  copyOfTerraform,
  PLANNED_TESTS,
  type PlannedResource,
  PROVIDER_MISSING,
  PROVIDER_NOTE,
  readTestReport,
  terraform,
  TERRAFORM_CALL_MAX_MS,
  type TestReport,
} from "../support/terraform-roots.ts";
import { askForRun, RUN } from "../support/unapplied-run.ts";

/** What an installation may cost a month while nothing happens, at list price, with its optional parts off. */
const IDLE_USD_MAX = 2.5;
const RESOURCES_MIN = 200;
const PREFIX = "signalbox-dev-";
/** Making the image's folder, starting an emulator, and two runs of a job. */
const JOB_MS_MAX = 600_000;
const FIRESTORE_MISSING = emulatorJar("firestore") === undefined;
const FIRESTORE_NOTE = FIRESTORE_MISSING ? `[skipped: ${emulatorMissing("firestore")}] ` : "";

const topology = Object.entries(readTopology());

interface Container {
  readonly args: readonly string[];
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** What the program of each service asks for, given what it is told. */
const SETTINGS: Readonly<Record<string, (environment: Environment) => readonly [Door, TProperties]>> = {
  webhook: () => ["called-and-scheduled", GOOGLE_SECRETS],
  relay: () => ["scheduled", GOOGLE_SECRETS],
  provisioner: () => ["pushed", GOOGLE_PROVISIONING],
  rollout: () => ["pushed", GOOGLE_ROLLOUT],
  notifier: () => ["pushed", GOOGLE_SECRETS],
  api: ({ SIGNALBOX_DOOR: door }) => ["called", googleApi(door)],
  console: () => ["called", GOOGLE_CONSOLE],
};

describe.skipIf(PROVIDER_MISSING !== "")(`${PROVIDER_NOTE}the plan`, () => {
  const copy = copyOfTerraform();
  let report: TestReport = { runs: [], problems: [], plans: {} };
  let plan: readonly PlannedResource[] = [];
  let everything: readonly PlannedResource[] = [];
  afterAll(() => copy.remove());
  beforeAll(async () => {
    const folder = join(copy.folder, PLANNED_TESTS.root);
    await terraform(folder, "init", "-backend=false");
    const words = ["test", "-json", "-verbose", `-filter=${PLANNED_TESTS.file}`];
    report = readTestReport((await terraform(folder, ...words)).stdout);
    plan = report.plans["smallest"] ?? [];
    everything = report.plans["everything"] ?? [];
  }, 2 * TERRAFORM_CALL_MAX_MS);

  const ofType = (type: string): readonly PlannedResource[] => plan.filter((each) => each.type === type);

  test("holds what the tests assert of it", () => {
    expect(report.problems).toEqual([]);
    expect(report.runs.filter(({ status }) => status !== "pass")).toEqual([]);
    expect(report.runs.length).toBeGreaterThanOrEqual(PLANNED_TESTS.runsMin);
  });

  test("is seen", () => {
    expect(plan.length).toBeGreaterThan(RESOURCES_MIN);
  });

  /** The jobs of the plan, by name. */
  const jobs = (): ReadonlyMap<string, PlannedJob> =>
    new Map(
      ofType("google_cloud_run_v2_job").map(({ values }) => {
        const [execution] = values["template"] as { template: { containers: Container[] }[] }[];
        const { command, env } = execution?.template[0]?.containers[0] ?? { command: [], env: [] };
        const environment = Object.fromEntries(env.map(({ name, value }) => [name, value]));
        return [String(values["name"]).slice(PREFIX.length), { command, environment }];
      }),
    );

  test("runs every service of the topology, by the argument that the image knows, and no other", () => {
    const entries = ofType("google_cloud_run_v2_service").map(({ values }) => {
      const [template] = values["template"] as { containers: { args: string[] }[] }[];
      return template?.containers[0]?.args[0];
    });
    expect([...new Set(entries)].toSorted()).toEqual(topology.map(([name]) => name).toSorted());
  });

  test("gives every service the settings that its program asks for on Google Cloud", () => {
    const asked = new Set<string>();
    for (const { values } of ofType("google_cloud_run_v2_service")) {
      const [template] = values["template"] as { containers: Container[] }[];
      const { args, env } = template?.containers[0] ?? { args: [], env: [] };
      const environment = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      const [service = ""] = args;
      const settings = SETTINGS[service];
      if (settings === undefined) continue;
      asked.add(`${service} ${environment["SIGNALBOX_DOOR"] ?? ""}`.trim());
      const [door, cloud] = settings(environment);
      expect(() => configure(environment, door, {}, cloud), service).not.toThrow();
    }
    expect([...asked]).toEqual(expect.arrayContaining(["api people", "api programs", "console people"]));
    expect(asked.size).toBeGreaterThanOrEqual(Object.keys(SETTINGS).length);
  });

  test("subscribes each fact service, and lets through every type that it asks for", () => {
    const filters = new Map(
      ofType("google_pubsub_subscription")
        .filter(({ address }) => address.includes(".push["))
        .map(({ values }) => [
          String(values["name"]),
          typeof values["filter"] === "string" ? values["filter"] : "",
        ]),
    );
    const wanted = topology.filter(([, { subscribes }]) => subscribes.length > 0);
    expect([...filters.keys()].toSorted()).toEqual(
      [`${PREFIX}events`, ...wanted.map(([name]) => `${PREFIX}facts-${name}`)].toSorted(),
    );
    for (const [name, { subscribes }] of wanted) {
      const families = [...(filters.get(`${PREFIX}facts-${name}`) ?? "").matchAll(/type,"([^"]+)"/g)].map(
        ([, prefix = ""]) => prefix,
      );
      const missed = subscribes.filter((type) => !families.some((family) => type.startsWith(family)));
      expect(missed, name).toEqual([]);
    }
  });

  test("gives every service an identity of its own", () => {
    const accounts = new Set(ofType("google_service_account").map(({ values }) => values["account_id"]));
    expect(topology.map(([name]) => `${PREFIX}${name}`).filter((name) => !accounts.has(name))).toEqual([]);
    expect(
      Object.keys(readJobs())
        .map((name) => `${PREFIX}${name}`)
        .filter((name) => !accounts.has(name)),
    ).toEqual([]);
  });

  test("has every job of the topology, and no other", () => {
    expect([...jobs().keys()].toSorted()).toEqual(Object.keys(readJobs()).toSorted());
  });

  test.skipIf(FIRESTORE_MISSING)(
    `${FIRESTORE_NOTE}starts the job that rebuilds views with all that its program asks for, from the image, and it asks Firestore alone`,
    { timeout: JOB_MS_MAX },
    async () => {
      const planned = jobs().get("rebuild-views");
      if (planned === undefined) throw new Error("The plan has no job rebuild-views.");
      const job = await jobOnGoogle(planned);
      await askForRun(job.ledger);
      const one = await job.run("runs");
      expect(one.status, one.output).toBe(0);
      const rebuilt = ({ lines }: typeof one) => lines.filter(({ message }) => message === "rebuilt");
      expect(rebuilt(one)).toMatchObject([{ projection: "runs", facts: 1, caughtUp: 1, replaced: 0 }]);
      expect(await job.views.get("runs", RUN)).toMatchObject({ name: RUN });
      const all = await job.run();
      expect(all.status, all.output).toBe(0);
      expect(rebuilt(all).map(({ projection }) => projection)).toEqual(ALL_VIEWS.map(({ name }) => name));
      expect(job.asked()).toBe(0);
      const wrong = await job.run("everything");
      expect([wrong.status, wrong.output]).toEqual([64, expect.stringContaining("everything: no view")]);
    },
  );

  test("costs next to nothing while nothing happens", () => {
    const costs = idleCosts(plan);
    expect(costs.length).toBeGreaterThan(3);
    expect(totalOf(costs).usd).toBeLessThan(IDLE_USD_MAX);
    expect(costs.map(({ item }) => item)).not.toContain("instances kept warm");
    const jobs = ofType("google_cloud_run_v2_job");
    expect(jobs.length).toBeGreaterThan(0);
    expect(idleCosts(jobs)).toEqual([]);
  });

  test("releases every Cloud Run service by one pipeline of one target, which costs nothing", () => {
    const pipelines = ofType("google_clouddeploy_delivery_pipeline");
    const names = (of: readonly PlannedResource[]) =>
      of.map(({ values }) => String(values["name"])).toSorted();
    const services = names(ofType("google_cloud_run_v2_service"));
    expect(services).toEqual(deployments().map(({ key }) => `${PREFIX}${key}`));
    expect(names(pipelines)).toEqual(services);
    expect(names(ofType("google_clouddeploy_target"))).toEqual(services);
    for (const { values } of pipelines)
      expect(values["serial_pipeline"]).toMatchObject([{ stages: [{ target_id: values["name"] }] }]);
    expect(idleCosts(pipelines)).toEqual([]);
    const [pipeline] = pipelines;
    if (pipeline === undefined) throw new Error("The plan has no pipeline.");
    const longer = { ...pipeline, values: { serial_pipeline: [{ stages: [{}, {}] }] } };
    expect(idleCosts([longer])).toMatchObject([{ usd: 5, usdAfterFree: 0 }]);
  });

  test("costs what docs/deploy.md says, idle and part by part", () => {
    const walk = readSource("docs/deploy.md");
    const usd = (value: number): string => `$${value.toFixed(2)}`;
    const idle = totalOf(idleCosts(plan));
    expect(walk).toContain(
      `(${usd(idle.usd)} a month idle at list price, ${usd(idle.usdAfterFree)} after what is free)`,
    );
    const costs = idleCosts(everything);
    const of = (...items: readonly string[]): string => {
      const parts = costs.filter(({ item }) => items.includes(item));
      expect(parts.map(({ item }) => item).toSorted()).toEqual(items.toSorted());
      return usd(parts.reduce((sum, part) => sum + part.usd, 0));
    };
    for (const [variable, price] of [
      ["instances_min", of("instances kept warm")],
      ["worker_pool", of("address of NAT", "private DNS zones")],
      ["load_balancer", of("load balancer", "Cloud Armor policy, two rules")],
      ["signing", of("key that signs images")],
      ["alert_emails", of("conditions of alerts")],
    ] as const)
      expect(walk).toMatch(new RegExp(`^\\| [^|]+ \\| \`${variable}\\b[^|]*\\| \\${price}\\b`, "m"));
  });
});
