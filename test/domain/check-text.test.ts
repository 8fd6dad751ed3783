import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BUILD_FAILURES } from "../../shared/domain/build-failure.ts";
import { failureCheckText, planCheckText, type PlanForCheck } from "../../shared/domain/check-text.ts";
import {
  codeBlock,
  codeText,
  cutWithin,
  MARKDOWN_LENGTH_MAX,
  plainText,
} from "../../shared/domain/markdown.ts";

const PLAN: PlanForCheck = {
  plan: "stacks/playground/plans/p1",
  stack: "playground",
  digest: "plan-sha256:k1:abc",
  counts: { create: 1, update: 0, replace: 1, delete: 0, read: 0 },
  changes: [
    { address: "terraform_data.b", action: "replace", details: ["size: 2 → 3 (forces replacement)"] },
    { address: "terraform_data.a", action: "create", details: ['input: "x"'] },
  ],
  changesTruncated: false,
  outputsChanged: ["url"],
  terraformVersion: "1.11.4",
  stateSerial: 3,
  approvals: { required: 1, reason: "it deletes or replaces resources", given: [] },
  authors: ["ada"],
  selfApproval: false,
};
const failure = {
  stack: "s",
  reason: "PLAN_FAILED",
  message: "",
  nextStep: "Look.",
  resources: [],
  problems: [],
};

describe("the check of a plan", () => {
  test("says what changes, what is grave, its digest, and who must approve it with what command", () => {
    const { title, summary } = planCheckText(PLAN);
    expect(title).toBe("1 to replace, 1 to create, 1 output");
    expect(summary).toMatchInlineSnapshot(`
      "**Stack** \`playground\`: 1 to replace, 1 to create, 1 output.  
      Digest \`plan-sha256:k1:abc\` · Terraform 1.11.4 · state serial 3

      > [!CAUTION]
      > 1 resource is deleted or replaced.

      **Approval:** one approval missing, because it deletes or replaces resources. It takes an operator who did not write it (not ada).

          signalbox approve stacks/playground/plans/p1 --digest plan-sha256:k1:abc

      **Outputs that change:** \`url\`

      \`\`\`diff
      - ± terraform_data.b  (replace)
      -     size: 2 → 3 (forces replacement)
      \`\`\`

      \`\`\`diff
      + + terraform_data.a  (create)
      +     input: "x"
      \`\`\`
      "
    `);
  });

  test("says who has approved, and when nobody needs to", () => {
    const given = [{ approver: "grace", selfApproved: false }];
    expect(planCheckText({ ...PLAN, approvals: { ...PLAN.approvals, given } }).summary).toContain(
      "complete. Approved by grace.",
    );
    const none = { required: 0, reason: "it deletes and replaces nothing", given: [] };
    expect(planCheckText({ ...PLAN, approvals: none }).summary).toContain(
      "none needed, because it deletes and replaces nothing",
    );
    expect(planCheckText({ ...PLAN, selfApproval: true }).summary).toContain("selfApproval");
  });

  test("shows the difference from the plan that was reviewed", () => {
    const { summary } = planCheckText({ ...PLAN, difference: { same: false, lines: ["a: create is new"] } });
    expect(summary).toContain("differs from the one that was reviewed");
    expect(summary).toContain("a: create is new");
  });

  test("stays within GitHub's limit and says what it left out", () => {
    const changes = Array.from({ length: 200 }, (_, index) => ({
      address: `r${index}`,
      action: "update" as const,
      details: Array.from({ length: 20 }, () => "x".repeat(150)),
    }));
    const { summary } = planCheckText({ ...PLAN, changes });
    expect(summary.length).toBeLessThanOrEqual(MARKDOWN_LENGTH_MAX);
    expect(summary).toMatch(/\d+ more parts do not fit here/);
    expect(failureCheckText({ ...failure, message: "x".repeat(70_000) }).summary.length).toBeLessThanOrEqual(
      MARKDOWN_LENGTH_MAX,
    );
  });
});

describe("the check of a failure", () => {
  test("says what to do, where, and what was being changed", () => {
    const { title, summary } = failureCheckText({
      ...failure,
      message: "Error: boom",
      resources: ["terraform_data.x"],
      problems: [{ path: "s/main.tf", line: 3, column: 1, message: "Not allowed." }],
    });
    expect(title).toBe("terraform plan failed");
    for (const part of [
      "**What to do:** Look.",
      "`s/main.tf:3:1` Not allowed.",
      "- `terraform_data.x`",
      "Error: boom",
    ]) {
      expect(summary).toContain(part);
    }
  });

  test("every reason has a headline and a next step", () => {
    for (const { title, nextStep } of Object.values(BUILD_FAILURES)) {
      expect(title.length).toBeGreaterThan(5);
      expect(nextStep).toMatch(/[.]$/);
    }
  });
});

describe("foreign text in Markdown", () => {
  test.each([
    ["</details><script>alert(1)</script>", /<script|<\/details/],
    ["hello @org/team and @ada", /@(?=[a-z])/],
    ["see #12 and GH-12", /#\d|GH-\d/],
    ["![x](https://evil.test/a.png)", /[^\\]\]\(|https:\/\//],
    ["[x](javascript:alert(1))", /[^\\]\]\(/],
    ["**bold** `code` ~~x~~", /[^\\][*`~]/],
    ["\u001b[31mred\u202egnp.exe", /[\p{Cc}\p{Bidi_Control}]/u],
    ["1. one", /^1\./],
    ["- one", /^-/],
    ["one\n\n# two", /\n/],
  ])("%j is shown and not obeyed", (text, dangerous) => {
    expect(plainText(text)).not.toMatch(dangerous);
  });

  test("code cannot be left from inside", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("`", "``", "```", "````", "\n", "a", " ")), (parts) => {
        const block = codeBlock(parts.join("")).split("\n");
        const fence = block[0] ?? "";
        expect(fence).toMatch(/^`{3,}$/);
        expect(block.slice(1, -1).some((line) => line.trim().startsWith(fence))).toBe(false);
        expect(block.at(-1)).toBe(fence);
        const [opening = ""] = /^`+/.exec(codeText(parts.join(""))) ?? [];
        const inner = codeText(parts.join("")).slice(opening.length, -opening.length);
        expect([...inner.matchAll(/`+/g)].every(([run]) => run.length !== opening.length)).toBe(true);
      }),
    );
  });
});

test("a text that is cut stays within its limit, in whole lines, with every block closed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 80 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 100, max: 900 }),
      (texts, limit) => {
        const markdown = texts.map((text) => codeBlock(text)).join("\n\n");
        const cut = cutWithin(markdown, limit);
        expect(cut.length).toBeLessThanOrEqual(Math.max(limit, 0));
        let open = "";
        for (const line of cut.split("\n")) {
          if (open === "") open = /^`{3,}/.exec(line)?.[0] ?? "";
          else if (line === open) open = "";
        }
        expect(open).toBe("");
        if (markdown.trim().length <= limit) expect(cut).toBe(markdown.trim());
      },
    ),
  );
});
