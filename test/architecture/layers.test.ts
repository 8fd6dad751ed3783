// Who may import whom. The table is the law of ARCHITECTURE.md; the first test proves that it looked.
import { expect, test } from "vitest";
import { importsOf, readSource, sourceFiles, type ImportEdge } from "../support/source-files.ts";

const EDGES_MIN = 300;
const files = sourceFiles(".ts").filter((path) => !path.startsWith("test/") && !path.startsWith("bench/"));
const edges = files.flatMap(importsOf);

/** Folder → what it may import, as patterns over repository paths and package names. First match of `from` decides. */
const LAYERS: readonly { from: RegExp; may: readonly RegExp[] }[] = [
  {
    from: /^shared\/domain\//,
    may: [/^shared\/domain\//, /^typebox/, /^node:crypto$/, /^canonicalize$/, /^yaml$/],
  },
  { from: /^shared\/ports\//, may: [/^shared\/ports\//, /^shared\/domain\//] },
  {
    from: /^shared\/runtime\//,
    may: [
      /^shared\/(runtime|ports|domain)\//,
      /^node:/,
      /^(fastify|pino|typebox|jose|canonicalize|lru-cache)/,
      /^@fastify\//,
      /^@google-cloud\/functions-framework/,
    ],
  },
  {
    from: /^shared\/adapters\/local\//,
    may: [
      /^shared\/adapters\/(local|system)\//,
      /^shared\/(ports|domain|runtime)\//,
      /^workflows\/engine\//,
      /^node:/,
      /^lru-cache$/,
      /^undici$/,
      /^yaml$/,
    ],
  },
  // Clients of a cloud stay in its folder, and reach us through ports alone.
  {
    from: /^shared\/adapters\/(google|github|kubernetes)\//,
    may: [
      /^shared\/adapters\/(google|github|kubernetes|system)\//,
      /^shared\/(ports|domain|runtime)\//,
      /^node:/,
      /^@google-cloud\//,
      /^google-(auth-library|gax)/,
      /^@octokit\//,
      /^(undici|jose|yaml|typebox)/,
    ],
  },
  { from: /^shared\/adapters\/system\//, may: [/^shared\/(ports|domain)\//, /^node:/] },
  {
    from: /^workflows\/engine\//,
    may: [/^workflows\/engine\//, /^yaml$/, /^re2js$/, /^node:(crypto|buffer)$/],
  },
  { from: /^workflows\/library\.ts$/, may: [/^workflows\/engine\/engine\.ts$/] },
  { from: /^services\/[^/]+\/main\.ts$/, may: [/./] },
  // What a step of Cloud Build and the image of builds start: they compose.
  { from: /^services\/provisioner\/build\/(step|digest|image)-main\.ts$/, may: [/./] },
  {
    from: /^services\/provisioner\/build\//,
    may: [
      /^services\/provisioner\/build\//,
      /^shared\/(ports|domain)\//,
      /^shared\/adapters\/local\//,
      /^node:/,
      /^typebox$/,
    ],
  },
  {
    from: /^services\//,
    may: [
      /^services\//,
      /^shared\/(runtime|ports|domain)\//,
      /^(fastify|typebox)/,
      /^@fastify\//,
      /^@octokit\/webhooks/,
      /^node:/,
    ],
  },
  { from: /^(cli|scripts|examples)\//, may: [/./] },
  { from: /^vitest\.config\.ts$/, may: [/./] },
];

const service = (path: string): string | undefined => /^services\/([^/]+)\//.exec(path)?.[1];

test("the layer test sees the whole tree", () => {
  expect(edges.length).toBeGreaterThan(EDGES_MIN);
  for (const folder of [
    "shared/domain/",
    "shared/ports/",
    "shared/runtime/",
    "shared/adapters/local/",
    "services/",
    "workflows/engine/",
  ]) {
    expect(
      edges.some((edge) => edge.from.startsWith(folder)),
      folder,
    ).toBe(true);
  }
});

test("every file imports only from the layers below it", () => {
  const violations = edges.filter(({ from, to }) => {
    const layer = LAYERS.find((candidate) => candidate.from.test(from));
    return layer === undefined || !layer.may.some((pattern) => pattern.test(to));
  });
  expect(violations.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test("no service imports another service", () => {
  const violations = edges.filter(
    ({ from, to }) =>
      service(from) !== undefined && service(to) !== undefined && service(from) !== service(to),
  );
  expect(violations.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test("only main.ts, scripts and the command line name an adapter", () => {
  const violations = edges.filter(
    ({ from, to }) =>
      to.startsWith("shared/adapters/") &&
      !from.startsWith("shared/adapters/") &&
      !from.startsWith("services/provisioner/build/") &&
      !/^(cli|scripts|examples)\//.test(from) &&
      !/^services\/[^/]+\/main\.ts$/.test(from),
  );
  expect(violations.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test("what is imported later from a package is its default, because a bundle has the names of a CommonJS one for static imports only", () => {
  const bundled = files.filter((path) => /^(shared|services)\//.test(path));
  const later = bundled.flatMap((path) =>
    [...readSource(path).matchAll(/([^;\n]*)\bimport\(\s*["']([^"']+)["']\s*\)/g)].map(
      ([, taken = "", to = ""]) => ({ path, taken, to }),
    ),
  );
  expect(later.length).toBeGreaterThan(3);
  const names = later.filter(
    ({ taken, to }) => /^[@a-z]/.test(to) && !/\{ default: \w+ \} = await $/.test(taken),
  );
  const wrong = names.filter(({ to }) => !to.startsWith("node:"));
  expect(wrong.map(({ path, to }) => `${path} → ${to}`)).toEqual([]);
});

/** Everything that a file's run-time imports reach inside the repository. */
function reach(start: string, all: readonly ImportEdge[]): ReadonlySet<string> {
  const seen = new Set([start]);
  const queue = [start];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const edge of all) {
      if (edge.from !== path || edge.typeOnly || seen.has(edge.to)) continue;
      seen.add(edge.to);
      queue.push(edge.to);
    }
  }
  return seen;
}

test("the rollback path reaches neither ledger, bus nor workflow", () => {
  const reached = [...reach("shared/runtime/rollback.ts", edges)];
  expect(reached.length).toBeGreaterThan(3);
  expect(
    reached.filter((path) => /ledger|outbox|\/bus\.|record\.ts|executions|workflows\//.test(path)),
  ).toEqual([]);
});
