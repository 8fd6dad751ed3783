import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Configuration, EMPTY_CONFIGURATION } from "../../shared/domain/configuration.ts";
import { repositoryPathProblem } from "../../shared/domain/repository-path.ts";
import { resolveConfiguration } from "../../shared/domain/resolved-configuration.ts";
import { readConfiguration } from "../../shared/domain/signalbox-yaml.ts";

const problems = (text: string) => {
  const read = readConfiguration(text);
  return read.kind === "invalid" ? read.problems : [];
};
const configuration = (text: string): Configuration => {
  const read = readConfiguration(text);
  if (read.kind === "invalid") throw new Error(JSON.stringify(read.problems));
  return read.configuration;
};
const stack = (more = "") => `version: 1\nstacks:\n  - name: a\n    directory: stacks/a\n${more}`;

describe("reading .signalbox.yaml", () => {
  test("the documented example is read, and its gaps are filled", () => {
    const read = configuration(`
version: 1
allow:
  providers: [registry.terraform.io/hashicorp/google]
  provisioners: []
stacks:
  - name: playground
    directory: stacks/playground
    varFiles: [playground.tfvars]
    watch: [modules/network]
    dependsOn: []
    approvals: 1
    approveAlways: false
endpoints:
  - name: ranker
    team: default
    serving:
      manifests: serving/ranker
      parameters: { replicas: 2 }
      local: { command: [node, server.mjs], readiness: /healthz }
    standby: 30m
    rollout:
      onRegistered: queue
      steps: [5, 25, 50]
      step: { minSeconds: 60, minRequests: 200 }
      timeLimit: 60m
      judge: { errors: { tolerance: 0.01, margin: 1.25, unacceptable: 2 } }
`);
    expect(read.allow).toStrictEqual({
      providers: ["registry.terraform.io/hashicorp/google"],
      provisioners: [],
      dataSources: [],
      modules: [],
    });
    expect(read.selfApproval).toBe(false);
    expect(read.endpoints[0]).toMatchObject({ standbyMs: 1_800_000, policy: { steps: [5, 25, 50] } });
    expect(configuration(stack()).stacks[0]).toStrictEqual({
      name: "a",
      directory: "stacks/a",
      varFiles: [],
      watch: [],
      dependsOn: [],
      approvals: 1,
      approveAlways: false,
    });
  });

  test("several problems are reported at once, each with its place", () => {
    const found = problems(
      "version: 1\nstacks:\n  - name: A\n    directory: x\n    aprovals: 2\nendpoint: []\n",
    );
    expect(found.map(({ path, line, column }) => `${path} ${line}:${column}`).sort()).toStrictEqual([
      "endpoint 6:1",
      "stacks[0].aprovals 5:5",
      "stacks[0].name 3:5",
    ]);
    expect(found.find(({ path }) => path === "stacks[0].aprovals")?.remedy).toBe("Did you mean approvals?");
    expect(found.find(({ path }) => path === "endpoint")?.remedy).toBe("Did you mean endpoints?");
  });

  test("a missing field, an unknown stack, a doubled name and a circle are named", () => {
    expect(problems("version: 1\nstacks:\n  - name: a\n")).toMatchObject([
      { path: "stacks[0].directory", line: 3 },
    ]);
    expect(problems(stack("    dependsOn: [b]\n"))).toMatchObject([
      { path: "stacks[0].dependsOn[0]", line: 5, column: 17 },
    ]);
    expect(problems(stack("  - name: a\n    directory: b\n"))).toMatchObject([{ path: "stacks[1].name" }]);
    const circle = stack("    dependsOn: [b]\n  - name: b\n    directory: b\n    dependsOn: [a]\n");
    expect(problems(circle)[0]?.what).toContain("a → b → a");
  });

  test("a problem of a rollout policy points into its block", () => {
    const text = "version: 1\nendpoints:\n  - name: e\n    serving: {}\n    rollout:\n      steps: [50, 5]\n";
    expect(problems(text)).toMatchObject([{ path: "endpoints[0].rollout.steps", line: 6, column: 7 }]);
  });

  test("strings stay strings and no code runs", () => {
    expect(problems("version: 1\nselfApproval: yes\n")).toMatchObject([{ path: "selfApproval", line: 2 }]);
    expect(problems('version: 1\nx: !!js/function "function(){}"\n')).toMatchObject([{ line: 2 }]);
    expect(problems("version: 1\nstacks:\n  - <<: {name: a}\n    directory: b\n")).not.toStrictEqual([]);
    expect(problems("version: 1\nversion: 1\n")).not.toStrictEqual([]);
    expect(problems("version: 1\n__proto__: {selfApproval: true}\n")).toMatchObject([{ path: "__proto__" }]);
    expect(problems("version: 1\n---\nversion: 1\n")).not.toStrictEqual([]);
    expect(problems("")).not.toStrictEqual([]);
  });

  test("alias bombs, deep nesting and size are refused", () => {
    const bomb = Array.from({ length: 9 }, (_, level) =>
      level === 0 ? "a0: &a0 [x]" : `a${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]`,
    ).join("\n");
    expect(problems(`version: 1\n${bomb}\n`)[0]?.what).toContain("aliases");
    expect(problems(`version: 1\na: &a [*a]\n`)).not.toStrictEqual([]);
    expect(problems("[".repeat(100_000))).not.toStrictEqual([]);
    expect(problems("- ".repeat(100_000))).not.toStrictEqual([]);
    expect(problems(`#${"x".repeat(300_000)}`)[0]?.what).toContain("longer");
  });

  test.each([
    "../prod",
    "/etc",
    "a/../../b",
    "%2e%2e",
    "a\0b",
    "-chdir=x",
    "",
    "x".repeat(4096),
    "a//b",
    "./a",
    "C:\\x",
    "a/.git/b",
    ".terraform",
    "a/-x",
    "a\\b",
    "a/b\n",
  ])("the directory %j is refused", (directory) => {
    expect(repositoryPathProblem(directory)).toBeTypeOf("string");
    expect(
      problems(`version: 1\nstacks:\n  - name: a\n    directory: ${JSON.stringify(directory)}\n`),
    ).toMatchObject([{ path: "stacks[0].directory", line: 4 }]);
  });

  test("any text is read or refused with a place", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        for (const problem of problems(`version: 1\n${text}`)) expect(problem.line).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe("the configuration that applies to a change", () => {
  const base = configuration(
    "version: 1\nallow: { provisioners: [local-exec] }\nstacks:\n  - { name: a, directory: a, approvals: 2 }\n  - { name: gone, directory: g }\n",
  );
  const head = configuration(
    "version: 1\nselfApproval: true\nallow: { providers: [evil/evil] }\nstacks:\n  - { name: a, directory: b, approvals: 0 }\n  - { name: fresh, directory: f, approvals: 0 }\n",
  );
  const resolved = resolveConfiguration(base, head);
  const find = (name: string) => resolved.stacks.find((each) => each.name === name);

  test("takes policy from the base branch and places from head", () => {
    expect(resolved.allow).toStrictEqual(base.allow);
    expect(resolved.selfApproval).toBe(false);
    expect(find("a")).toMatchObject({ presence: "kept", approvals: 2, directory: "b", allow: base.allow });
    expect(find("gone")).toMatchObject({ presence: "removed", directory: "g" });
  });

  test("plans a new stack under the strictest policy", () => {
    expect(find("fresh")).toMatchObject({
      presence: "new",
      approvals: 2,
      approveAlways: true,
      selfApproval: false,
    });
    expect(resolveConfiguration(EMPTY_CONFIGURATION, head).stacks[1]).toMatchObject({
      approvals: 1,
      approveAlways: true,
    });
  });

  test("keeps the digest over a merge that leaves the policy alone", () => {
    const more: Configuration = { ...base, stacks: [...base.stacks, ...head.stacks.slice(1)] };
    const before = resolveConfiguration(base, more).stacks.map(({ configDigest }) => configDigest);
    expect(resolveConfiguration(more, more).stacks.map(({ configDigest }) => configDigest)).toStrictEqual(
      before,
    );
    expect(resolveConfiguration(head, head).stacks[0]?.configDigest).not.toBe(find("a")?.configDigest);
  });
});
