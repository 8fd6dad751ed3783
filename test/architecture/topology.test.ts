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
import Type from "typebox";
import { Check, Errors } from "typebox/value";
import { parse } from "yaml";
import { readJobs, readTopology } from "../../scripts/compose/topology.ts";
import { importsOf, readSource, ROOT, sourceFiles } from "../support/source-files.ts";

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

/** Everything that services.yaml may say; what is misspelt would be left out without a word. */
const SIZES = {
  cpu: Type.String({ pattern: "^[1248]$" }),
  memory: Type.String({ pattern: "^[0-9]+[MG]i$" }),
  timeoutSeconds: Type.Integer({ minimum: 1, maximum: 59 }),
  scaling: Type.Object(
    {
      instancesMin: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
      instancesMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
      concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    },
    { additionalProperties: false },
  ),
};
const words = Type.Array(Type.String({ pattern: "^[a-z][a-z-]*$" }), { uniqueItems: true });
const TOPOLOGY = Type.Object(
  {
    defaults: Type.Object(SIZES, { additionalProperties: false }),
    services: Type.Record(
      Type.String({ pattern: "^[a-z]+$" }),
      Type.Object(
        {
          kind: Type.Union([Type.Literal("http"), Type.Literal("facts"), Type.Literal("schedule")]),
          subscribes: Type.Array(Type.String()),
          public: Type.Optional(Type.Boolean()),
          path: Type.Optional(Type.String({ pattern: "^/[a-z/]+$" })),
          secrets: Type.Optional(words),
          roles: words,
          doors: Type.Optional(Type.Array(Type.Union([Type.Literal("people"), Type.Literal("programs")]))),
          schedules: Type.Optional(
            Type.Record(Type.String({ pattern: "^/[a-z-/]+$" }), Type.String({ pattern: "^[*]" })),
          ),
          hints: Type.Optional(words),
          ...Object.fromEntries(Object.entries(SIZES).map(([name, size]) => [name, Type.Optional(size)])),
        },
        { additionalProperties: false },
      ),
    ),
    jobs: Type.Record(
      Type.String({ pattern: "^[a-z]+(-[a-z]+)*$" }),
      Type.Object(
        {
          roles: words,
          cpu: Type.Optional(SIZES.cpu),
          memory: Type.Optional(SIZES.memory),
          timeoutSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
          retriesMax: Type.Integer({ minimum: 0, maximum: 10 }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

test("services.yaml says only what somebody reads", () => {
  const file = parse(readSource("terraform/services.yaml")) as Record<
    "services" | "jobs",
    Record<string, object>
  >;
  expect([...Errors(TOPOLOGY, file)]).toEqual([]);
  const misspelt = { ...file, services: { webhook: { ...file.services["webhook"], secret: ["x"] } } };
  expect(Check(TOPOLOGY, misspelt)).toBe(false);
  const waiting = { ...file, jobs: { "rebuild-views": { ...file.jobs["rebuild-views"], timeout: 60 } } };
  expect(Check(TOPOLOGY, waiting)).toBe(false);
});

test("every role of services.yaml is one that Terraform knows", () => {
  const known = new Set(
    [...readSource("terraform/modules/topology/roles.tf").matchAll(/^ {4}([a-z-]+) += \[/gm)].map(
      ([, role = ""]) => role,
    ),
  );
  expect(known.size).toBeGreaterThan(10);
  const used = [...entries, ...Object.entries(readJobs())].flatMap(
    ([, entry]) => (entry as { roles?: readonly string[] }).roles ?? [],
  );
  expect(used.filter((role) => !known.has(role))).toEqual([]);
});

/** Everything that a service's own files say. */
const codeOf = (name: string): string =>
  sourceFiles(".ts")
    .filter((file) => file.startsWith(`services/${name}/`))
    .map(readSource)
    .join("\n");

test("every schedule calls a path that its service serves, and every service that puts things right has one", () => {
  const scheduled = entries.flatMap(([name, { schedules = {} }]) =>
    Object.keys(schedules).map((path) => ({ name, path })),
  );
  expect(scheduled.length).toBeGreaterThanOrEqual(8);
  // `/reconcile` is the door's own path for whoever takes pushes.
  const unserved = scheduled.filter(({ name, path }) => {
    const isOwn = topology[name]?.kind === "http" || path !== "/reconcile";
    return isOwn && !codeOf(name).includes(`"${path}"`);
  });
  expect(unserved).toEqual([]);
  const reconciling = entries.filter(
    ([name, { kind }]) => kind !== "http" && /\breconcile(?:\(\) \{|: )/.test(codeOf(name)),
  );
  expect(reconciling.length).toBeGreaterThanOrEqual(5);
  const idle = reconciling.filter(([, { schedules = {} }]) => schedules["/reconcile"] === undefined);
  expect(idle.map(([name]) => name)).toEqual([]);
});

test("a service that hears hints opens a reader for each of their topics, and asks for their subscriptions", () => {
  const readers = readSource("scripts/compose/google-hints.ts");
  const settings = readSource("scripts/compose/google-settings.ts");
  const heard = entries.flatMap(([name, { hints = [] }]) => hints.map((topic) => ({ name, topic })));
  expect(heard.length).toBeGreaterThanOrEqual(4);
  for (const { name, topic } of heard) {
    expect(readers, topic).toContain(`"${topic}"`);
    expect(settings, topic).toContain(`"${topic}"`);
    expect(codeOf(name), name).toMatch(/open(?:Build|Deploy)Hints\(/);
  }
  const topics = readSource("terraform/control-plane/topics.tf");
  expect(heard.filter(({ topic }) => !topics.includes(`"${topic}"`))).toEqual([]);
});

test("the App's key is not where strangers are heard", () => {
  const holders = entries.filter(([, { secrets = [] }]) => secrets.includes("github-app"));
  expect(holders.map(([name]) => name)).toEqual(["provisioner", "rollout", "relay"]);
});

test("the image starts every service by the argument that Terraform gives it", () => {
  const program = readSource("scripts/image/main.ts");
  const started = [
    ...program.matchAll(/^ {2}([a-z]+): \(\) => import\("..\/..\/services\/([a-z]+)\/main.ts"\)/gm),
  ];
  expect(started.map(([, name]) => name).toSorted()).toEqual(Object.keys(topology).toSorted());
  expect(started.filter(([, name, folder]) => name !== folder)).toEqual([]);
  expect(readSource("Dockerfile")).toContain('"/app/main.js"]');
});

test("every job of the topology is a program of its own, which the image has where Terraform starts it", () => {
  const names = Object.keys(readJobs());
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => name in topology)).toEqual([]);
  expect(names.filter((name) => !existsSync(join(ROOT, `scripts/${name}.ts`)))).toEqual([]);
  expect(readSource("scripts/image/build.ts")).toMatch(/keys\(readJobs\(\)\)[^;]*`scripts\/\$\{name\}\.ts`/);
  expect(readSource("scripts/image/build.ts")).toContain('"services", "tasks")');
  expect(readSource("terraform/modules/topology/main.tf")).toContain('"/app/tasks/${name}.js"');
});
