import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalPlan, canonicalText, planDifference, planDigest } from "../../shared/domain/plan-digest.ts";
import { parsePlanJson, type PlanJson } from "../../shared/domain/plan-json.ts";
import { CHANGES_MAX, readPlan } from "../../shared/domain/plan-reading.ts";
import { sensitiveTexts } from "../../shared/domain/plan-secrets.ts";

const KEY = { id: "k1", secret: "installation" };

type Change = NonNullable<PlanJson["resource_changes"]>[number]["change"];
const resource = (address: string, change: Change) => ({
  address,
  mode: "managed",
  type: "terraform_data",
  provider_name: "terraform.io/builtin/terraform",
  change,
});
const plan = (changes: readonly ReturnType<typeof resource>[], more: Partial<PlanJson> = {}): PlanJson => ({
  format_version: "1.2",
  terraform_version: "1.11.4",
  resource_changes: [...changes],
  ...more,
});
const create = (after: unknown, marks: unknown = {}) => ({
  actions: ["create"],
  before: null,
  after,
  after_unknown: {},
  after_sensitive: marks,
});
const digest = (one: PlanJson, key = KEY) => planDigest(canonicalPlan(one, key), key.id);

describe("reading a plan", () => {
  const replaced = resource("b", {
    actions: ["delete", "create"],
    before: { id: "1", input: { size: 2, s: "hunter22" }, output: { s: "hunter22" }, triggers: [1] },
    after: { input: { size: 3, s: "hunter33" }, triggers: [2] },
    after_unknown: { id: true, output: true },
    before_sensitive: { input: { s: true }, output: {} },
    after_sensitive: { input: { s: true } },
    replace_paths: [["triggers"]],
  });

  test("names what happens, counts it, and puts deletes and replaces first", () => {
    const summary = readPlan(
      plan([
        resource("a", create({ input: "x", none: null })),
        resource("gone", { actions: ["delete"], before: { id: "1" }, after: null }),
        replaced,
        resource("same", { actions: ["no-op"], before: {}, after: {} }),
        resource("odd", { actions: ["forget"], before: {}, after: null }),
      ]),
    );
    expect(summary.counts).toStrictEqual({ create: 1, update: 0, replace: 1, delete: 2, read: 0 });
    expect(summary.destroys).toBe(true);
    expect(summary.changes).toStrictEqual([
      { address: "gone", action: "delete", details: [] },
      { address: "odd", action: "delete", details: ["Terraform calls this forget"] },
      {
        address: "b",
        action: "replace",
        details: [
          'id: "1" → (known after apply)',
          "input.s: (sensitive, changes)",
          "input.size: 2 → 3",
          "output: none → (known after apply)",
          "output.s: (sensitive) → none",
          "triggers[0]: 1 → 2 (forces replacement)",
        ],
      },
      { address: "a", action: "create", details: ['input: "x"'] },
    ]);
  });

  test("shows no sensitive value, not even a copy that lost its mark", () => {
    const shown = JSON.stringify(readPlan(plan([replaced])));
    expect(shown).not.toContain("hunter");
    expect(sensitiveTexts(plan([replaced])).toSorted()).toStrictEqual(["hunter22", "hunter33"]);
    expect(canonicalText(canonicalPlan(plan([replaced]), KEY))).not.toContain("hunter");
  });

  test("knows the values of sensitive variables", () => {
    const variables = {
      variables: { s: { value: "swordfish" }, t: { value: "plain" } },
      configuration: { root_module: { variables: { s: { sensitive: true }, t: {} } } },
    };
    expect(sensitiveTexts(plan([], variables))).toStrictEqual(["swordfish"]);
  });

  test("names the outputs that change and cuts long lists without hiding a delete", () => {
    const many = Array.from({ length: CHANGES_MAX }, (_, index) => resource(`r${index}`, create({})));
    const summary = readPlan(
      plan([...many, resource("z", { actions: ["delete"], before: {}, after: null })], {
        output_changes: { b: create("x"), a: { actions: ["delete"] }, c: { actions: ["no-op"] } },
      }),
    );
    expect(summary.changesTruncated).toBe(true);
    expect(summary.changes[0]).toMatchObject({ address: "z" });
    expect(summary.outputsChanged).toStrictEqual(["a", "b"]);
  });

  test("refuses what is not a plan of a known format", () => {
    for (const text of [
      "",
      "[]",
      '{"format_version":"2.0","terraform_version":"1"}',
      '{"format_version":"1.2"}',
    ]) {
      expect(parsePlanJson(text)).toBeUndefined();
    }
  });
});

const Json = fc.jsonValue({ maxDepth: 3 });
/** The same value with the keys of its objects in another order. */
const reordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reordered(item)]),
  );
};

describe("the digest of a plan", () => {
  test("has the key's id in it", () => {
    expect(digest(plan([resource("a", create({ input: 1 }))]))).toMatch(/^plan-sha256:k1:[0-9a-f]{64}$/);
  });

  test("does not depend on the order of keys or resources, on times or on the rest of the plan", () => {
    fc.assert(
      fc.property(Json, Json, (one, other) => {
        const first = plan([resource("a", create(one)), resource("b", create(other))]);
        const second = {
          ...(reordered(first) as PlanJson),
          timestamp: "2031-01-01T00:00:00Z",
          relevant_attributes: [1],
        };
        second.resource_changes?.reverse();
        expect(digest(second)).toBe(digest(first));
      }),
    );
  });

  test("changes with any value", () => {
    fc.assert(
      fc.property(Json, Json, (one, other) => {
        const same = canonicalText(one) === canonicalText(other);
        expect(
          digest(plan([resource("a", create(one))])) === digest(plan([resource("a", create(other))])),
        ).toBe(same);
      }),
    );
  });

  test("changes with a sensitive value, which only the key's holder can tell", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const secret = (value: string) => plan([resource("a", create({ input: value }, { input: true }))]);
        expect(digest(secret(one)) === digest(secret(other))).toBe(one === other);
        expect(digest(secret(one), { id: "k1", secret: "other" })).not.toBe(digest(secret(one)));
      }),
    );
  });

  test("tells numbers apart that a double cannot", () => {
    const big = (digits: string) =>
      parsePlanJson(
        `{"format_version":"1.2","terraform_version":"1","resource_changes":[{"address":"a","mode":"managed","type":"t","provider_name":"p","change":{"actions":["create"],"after":{"n":${digits}}}}]}`,
      );
    const digests = [
      "12345678901234567890",
      "12345678901234567891",
      "1e400",
      "1e401",
      "0.1",
      "0.10000000000000001",
    ].map((digits) => {
      const parsed = big(digits);
      return parsed === undefined ? "" : digest(parsed);
    });
    expect(new Set(digests).size).toBe(6);
  });
});

describe("the difference of two plans", () => {
  const canonical = (one: PlanJson) => canonicalPlan(one, KEY);

  test("is empty for the same meaning", () => {
    const one = canonical(plan([resource("a", create({ x: 1 }))]));
    expect(planDifference(one, one)).toStrictEqual({ same: true, lines: [] });
  });

  test("names what is new, gone, or otherwise, and keeps secrets", () => {
    const reviewed = plan([
      resource("a", create({ size: 1, s: "old-secret" }, { s: true })),
      resource("b", create({})),
    ]);
    const current = plan([
      resource("a", { ...create({ size: 2, s: "new-secret" }, { s: true }), actions: ["delete", "create"] }),
      resource("c", create({})),
    ]);
    const difference = planDifference(canonical(reviewed), canonical(current));
    expect(difference.same).toBe(false);
    expect(difference.lines).toStrictEqual([
      "a: was create, is now delete then create",
      "a: after size was 1, is now 2",
      "a: after s.sensitive has another value",
      "b: create is gone",
      "c: create is new",
    ]);
  });

  test.each([
    ["an empty key", { "": null }, null],
    ["a key with a dot", { "a.b": 1 }, { a: { b: 1 } }],
    ["a key that looks like an index", { "[0]": 1 }, [1]],
  ])("tells %s from what it looks like", (_, one, other) => {
    const [a, b] = [
      canonical(plan([resource("a", create(one))])),
      canonical(plan([resource("a", create(other))])),
    ];
    expect(planDifference(a, b).lines).not.toEqual([]);
  });

  test("is the same exactly when the digests are", () => {
    fc.assert(
      fc.property(Json, Json, (one, other) => {
        const [a, b] = [
          canonical(plan([resource("a", create(one))])),
          canonical(plan([resource("a", create(other))])),
        ];
        const difference = planDifference(a, b);
        expect(difference.same).toBe(planDigest(a, "k") === planDigest(b, "k"));
        expect(difference.lines.length === 0).toBe(difference.same);
      }),
    );
  });
});
