import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changedPaths, changedStacks, dependencyOrder } from "../../shared/domain/changed-stacks.ts";
import { type Closure, closureDigest, closureOf, type ListedFile } from "../../shared/domain/closure.ts";

const call = (name: string, source: string) => `module "${name}" {\n source = "${source}"\n}\n`;

/** A tree in which the object id of a file is its content. */
const tree = (contents: Readonly<Record<string, string>>, mode = "100644"): ListedFile[] =>
  Object.entries(contents).map(([path, text]) => ({ path, mode, objectId: text, size: text.length }));
const closure = (
  entries: readonly ListedFile[],
  more: { varFiles?: string[]; watch?: string[]; directory?: string } = {},
) =>
  closureOf({ directory: "s", varFiles: [], watch: [], ...more }, entries, ({ objectId }) =>
    Promise.resolve(Buffer.from(objectId)),
  );
const paths = (found: Closure) =>
  found.kind === "closure" ? found.files.map(({ path }) => path) : found.problems;
const whats = (found: Closure) =>
  found.kind === "refused" ? found.problems.map(({ what }) => what).join("\n") : "";

describe("a stack's closure", () => {
  test("holds its directory, modules of modules, variable files, watched paths and the lock file", async () => {
    const entries = tree({
      "README.md": "no",
      "s/main.tf": call("a", "../modules/a"),
      "s/x.auto.tfvars": "x = 1",
      "s/.terraform.lock.hcl": "",
      "s/files/b.txt": "b",
      "s/env/prod.tfvars": "",
      "sibling/main.tf": "",
      "modules/a/main.tf": call("b", "./b"),
      "modules/a/b/main.tf.json": '{"module":{"c":{"source":"../../c"}}}',
      "modules/c/main.tf": "",
      "modules/unused/main.tf": "",
      "policies/p.json": "{}",
    });
    const found = await closure(entries, { varFiles: ["env/prod.tfvars"], watch: ["policies"] });
    expect(paths(found)).toStrictEqual([
      "modules/a/b/main.tf.json",
      "modules/a/main.tf",
      "modules/c/main.tf",
      "policies/p.json",
      "s/.terraform.lock.hcl",
      "s/env/prod.tfvars",
      "s/files/b.txt",
      "s/main.tf",
      "s/x.auto.tfvars",
    ]);
    expect(found.kind === "closure" && found.modules).toStrictEqual([
      "s",
      "modules/a",
      "modules/a/b",
      "modules/c",
    ]);
  });

  test("of the repository's root holds everything", async () => {
    expect(paths(await closure(tree({ "main.tf": "", "x/y": "" }), { directory: "." }))).toStrictEqual([
      "main.tf",
      "x/y",
    ]);
  });

  test.each([
    [
      "a symbolic link",
      [...tree({ "s/main.tf": "" }), ...tree({ "s/x": "/etc" }, "120000")],
      "symbolic link",
    ],
    [
      "a module that is a link",
      [...tree({ "s/main.tf": call("m", "../m") }), ...tree({ m: "/etc" }, "120000")],
      "symbolic link",
    ],
    ["a submodule", [...tree({ "s/main.tf": "" }), ...tree({ "s/x": "" }, "160000")], "submodule"],
    ["a module above the repository", tree({ "s/main.tf": call("m", "../../m") }), "out of the repository"],
    ["a module that is not there", tree({ "s/main.tf": call("m", "./m") }), "s/m holds no Terraform files"],
    ["Terraform that cannot be read", tree({ "s/main.tf": "}" }), "closes nothing"],
    ["a directory without Terraform", tree({ "s/readme": "" }), "s holds no Terraform files"],
  ])("with %s is refused", async (_, entries, what) => {
    expect(whats(await closure(entries))).toContain(what);
  });

  test("names variable files and watched paths that are not there", async () => {
    const found = await closure(tree({ "s/main.tf": "" }), { varFiles: ["x.tfvars"], watch: ["y"] });
    expect(whats(found)).toContain("varFiles[0] names x.tfvars");
    expect(whats(found)).toContain("watch[0] names y");
  });

  test("has a digest that tells any change of path, mode or content, and no order", () => {
    const file = fc.record({
      path: fc.stringMatching(/^[a-z]{1,8}$/),
      mode: fc.constantFrom("100644", "100755"),
      objectId: fc.stringMatching(/^[0-9a-f]{8}$/),
    });
    const files = fc.uniqueArray(file, { selector: ({ path }) => path, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(files, files, (one, other) => {
        expect(closureDigest(one) === closureDigest(other)).toBe(
          JSON.stringify(one.map((f) => [f.path, f.mode, f.objectId])) ===
            JSON.stringify(other.map((f) => [f.path, f.mode, f.objectId])),
        );
        expect(changedPaths(one, one)).toStrictEqual([]);
        expect([...changedPaths(one, other)].sort()).toStrictEqual([...changedPaths(other, one)].sort());
      }),
    );
  });
});

describe("the stacks that a change touches", () => {
  const side = (content: string, configDigest = "c") => ({
    files: [{ path: "a", mode: "100644", objectId: content }],
    configDigest,
  });
  const same = { base: side("1"), head: side("1") };

  test("come with their dependents, dependencies first", () => {
    const found = changedStacks([
      { name: "app", dependsOn: ["network"], ...same },
      { name: "network", dependsOn: [], base: side("1"), head: side("2") },
      { name: "page", dependsOn: ["app"], ...same },
      { name: "other", dependsOn: [], ...same },
    ]);
    expect(found).toStrictEqual({
      kind: "changed",
      stacks: [
        { name: "network", reason: "files", paths: ["a"], after: [] },
        { name: "app", reason: "dependency", paths: [], after: ["network"] },
        { name: "page", reason: "dependency", paths: [], after: ["app"] },
      ],
    });
  });

  test("say whether they are new, removed, or only configured otherwise", () => {
    const found = changedStacks([
      { name: "a", dependsOn: [], head: side("1") },
      { name: "b", dependsOn: [], base: side("1") },
      { name: "c", dependsOn: [], base: side("1"), head: side("1", "d") },
    ]);
    expect(
      found.kind === "changed" && found.stacks.map(({ name, reason }) => `${name} ${reason}`),
    ).toStrictEqual(["a new", "b removed", "c configuration"]);
  });

  test("are refused with the names when they depend on each other in a circle", () => {
    const found = changedStacks([
      { name: "a", dependsOn: ["b"], ...same },
      { name: "b", dependsOn: ["c"], ...same },
      { name: "c", dependsOn: ["b"], ...same },
    ]);
    expect(found).toMatchObject({ kind: "refused", what: expect.stringContaining("b → c → b") as string });
  });

  test("always come after what they depend on", () => {
    const graph = fc.array(fc.array(fc.nat(9), { maxLength: 3 }), { maxLength: 10 });
    fc.assert(
      fc.property(graph, (edges) => {
        const stacks = edges.map((needs, index) => ({
          name: `s${index}`,
          dependsOn: needs.map((need) => `s${need}`),
        }));
        const found = dependencyOrder(stacks);
        if ("cycle" in found) {
          expect(found.cycle[0]).toBe(found.cycle.at(-1));
          for (const [index, name] of found.cycle.slice(0, -1).entries()) {
            expect(stacks.find((stack) => stack.name === name)?.dependsOn).toContain(found.cycle[index + 1]);
          }
          return;
        }
        expect(found.order).toHaveLength(stacks.length);
        for (const { name, dependsOn } of stacks) {
          for (const need of dependsOn)
            expect(found.order.indexOf(need)).toBeLessThan(found.order.indexOf(name));
        }
      }),
    );
  });
});
