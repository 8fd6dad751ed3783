// terraform/services.yaml is the one topology: folders, mains, inputs and decided facts agree with it. The first test proves that it looked.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DATA_INPUTS } from "../../services/data/data.ts";
import { NOTIFIER_INPUTS } from "../../services/notifier/notifier.ts";
import { PROVISIONER_INPUTS } from "../../services/provisioner/provisioner.ts";
import { REGISTRY_INPUTS } from "../../services/registry/registry.ts";
import { ROLLOUT_INPUTS } from "../../services/rollout/rollout.ts";
import { WEBHOOK_SECRET } from "../../services/webhook/webhook.ts";
import { FACTS, type FactType } from "../../shared/domain/facts.ts";
import { readTopology } from "../../scripts/compose/topology.ts";
import { importsOf, readSource, ROOT } from "../support/source-files.ts";

const topology = readTopology();
const entries = Object.entries(topology);
const SERVICES_MIN = 8;

/** What the code of each fact service asks to be told. */
const INPUTS: Readonly<Record<string, readonly FactType[]>> = {
  provisioner: PROVISIONER_INPUTS,
  registry: REGISTRY_INPUTS,
  rollout: ROLLOUT_INPUTS,
  data: DATA_INPUTS,
  notifier: NOTIFIER_INPUTS,
};

/** Every file that a main reaches inside its own service and the composition scripts. */
function reach(start: string): ReadonlySet<string> {
  const seen = new Set([start]);
  const queue = [start];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const { to, typeOnly } of importsOf(path)) {
      if (typeOnly || seen.has(to) || !/^(services|scripts\/compose)\//.test(to)) continue;
      seen.add(to);
      queue.push(to);
    }
  }
  return seen;
}

const withKind = (kind: string): readonly string[] =>
  entries.filter(([, entry]) => entry.kind === kind).map(([name]) => name);

test("the topology test sees every service", () => {
  expect(entries.length).toBeGreaterThanOrEqual(SERVICES_MIN);
  expect(new Set(entries.map(([, { kind }]) => kind))).toEqual(new Set(["http", "facts", "schedule"]));
  expect(entries.flatMap(([, { subscribes }]) => subscribes).length).toBeGreaterThan(30);
});

test("the topology names the folders under services/, and each has a main.ts", () => {
  const folders = readdirSync(join(ROOT, "services"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.toSorted()).toEqual(Object.keys(topology).toSorted());
  const without = folders.filter((name) => !existsSync(join(ROOT, "services", name, "main.ts")));
  expect(without).toEqual([]);
});

test("a fact service is subscribed to what it asks for, and nobody else to anything", () => {
  expect(withKind("facts").toSorted()).toEqual(Object.keys(INPUTS).toSorted());
  for (const [name, { kind, subscribes }] of entries) {
    const wanted = kind === "facts" ? (INPUTS[name] ?? []) : [];
    expect([...subscribes].toSorted(), name).toEqual([...wanted].toSorted());
    expect(new Set(subscribes).size, `${name} lists a type twice`).toBe(subscribes.length);
  }
});

test("everything that is subscribed to is a fact of the vocabulary", () => {
  const unknown = entries.flatMap(([name, { subscribes }]) =>
    subscribes.filter((type) => !(type in FACTS)).map((type) => `${name}: ${type}`),
  );
  expect(unknown).toEqual([]);
});

test("the kind of a service is how its main takes work in", () => {
  for (const [name, { kind }] of entries) {
    const main = `services/${name}/main.ts`;
    const files = [...reach(main)];
    const runtime = new Set(files.flatMap(importsOf).map(({ to }) => to));
    const listens = readSource(main).includes("createServer(");
    expect(runtime.has("shared/runtime/on-facts.ts"), `${name} takes pushes`).toBe(kind !== "http");
    expect(listens, `${name} is an HTTP edge`).toBe(kind === "http");
  }
});

test("only one service is open to strangers, and only for signed deliveries", () => {
  const open = entries.filter(([, entry]) => "public" in entry && entry.public === true);
  expect(open.map(([name]) => name)).toEqual(["webhook"]);
  expect(open[0]?.[1]).toMatchObject({ kind: "http", secrets: [WEBHOOK_SECRET] });
});
