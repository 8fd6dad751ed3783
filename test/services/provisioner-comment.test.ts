// The one comment of a pull request: what it says, when it changes, and what others cannot make it say.
import { describe, expect, test } from "vitest";
import type { Body } from "../../services/provisioner/checks.ts";
import {
  COMMENT_KEY,
  COMMENT_LENGTH_MAX,
  COMMENT_PART_LENGTH_MAX,
  commentText,
} from "../../services/provisioner/comment.ts";
import { codeBlock } from "../../shared/domain/markdown.ts";
import { failed, planned } from "../support/builds-fake.ts";
import { commitFiles } from "../support/git-repository.ts";
import {
  DATABASE,
  existingStack,
  platform,
  type Platform,
  REPOSITORY,
  resource,
  WEB,
  yaml,
} from "../support/provisioning.ts";

const commentOf = async (at: Platform, number = 7): Promise<string> => {
  const comments = await at.checks.comments(REPOSITORY, number);
  expect(comments.length).toBeLessThanOrEqual(1);
  const [comment] = comments;
  expect(comment?.key ?? COMMENT_KEY).toBe(COMMENT_KEY);
  return comment?.markdown ?? "";
};
const rows = (markdown: string): readonly string[] =>
  markdown.split("\n").filter((line) => line.startsWith("| `"));

describe("the comment of a pull request", () => {
  test("follows the plan to its end, and the merge to what it did", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    expect(rows(await commentOf(at))).toEqual(["| `web` | ⏳ planning |  |"]);
    await at.ends("plan");
    const text = await commentOf(at);
    expect(rows(text)).toEqual(["| `web` | ✅ 1 to create |  |"]);
    expect(text).toContain("terraform_data.a");
    await at.deliver({
      action: "closed",
      pullRequest: at.pull(base, head, { merged: true, mergeCommit: head }),
    });
    expect(rows(await commentOf(at))).toEqual(["| `web` | ✅ 1 to create | ⏳ applying |"]);
    await at.ends("apply");
    expect(rows(await commentOf(at))).toEqual(["| `web` | ✅ 1 to create | ✅ applied: 1 to create |"]);
  });

  test("says of every stack what waits for whom, what failed first", async () => {
    const at = platform();
    const base = commitFiles(at.repository, { files: { ".signalbox.yaml": "version: 1\n" } });
    const head = commitFiles(at.repository, {
      parent: base,
      files: {
        ".signalbox.yaml": yaml(WEB + DATABASE),
        "stacks/web/main.tf": resource("a"),
        "stacks/database/main.tf": resource("b"),
      },
    });
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan", (spec) => (spec.stack.includes("web") ? failed("INIT_FAILED") : planned(spec)));
    const text = await commentOf(at);
    expect(rows(text).map((row) => row.slice(0, 18))).toEqual(
      ["| `database` | ✋ 1", "| `web` | ❌ terraf"].map((row) => row.slice(0, 18)),
    );
    expect(text).toContain("INIT_FAILED happened");
    await at.approveAll();
    expect(rows(await commentOf(at))[0]).toContain("✅ 1 to create");
  });

  test("is about the newest commit, and one comment all the while", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan");
    const newer = commitFiles(at.repository, {
      parent: head,
      files: { "stacks/web/main.tf": resource("c") },
    });
    await at.deliver({ action: "synchronize", pullRequest: at.pull(base, newer) });
    expect(rows(await commentOf(at))).toEqual(["| `web` | ⏳ planning |  |"]);
    await at.ends("plan", () => failed("PLAN_FAILED"));
    expect(rows(await commentOf(at))[0]).toContain("❌");
  });

  test("shows the plan that was made again after the merge, with what differs", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    await at.deliver({ pullRequest: at.pull(base, head) });
    await at.ends("plan", (spec) => planned(spec, { digest: "plan-sha256:test:one" }));
    const moved = commitFiles(at.repository, {
      parent: base,
      files: { "stacks/web/other.tf": resource("z") },
    });
    const merged = commitFiles(at.repository, {
      parent: moved,
      files: { "stacks/web/main.tf": resource("a") + resource("b") },
    });
    await at.deliver({
      action: "closed",
      pullRequest: at.pull(base, head, { merged: true, mergeCommit: merged }),
    });
    await at.ends("plan", (spec) => planned(spec, { digest: "plan-sha256:test:two" }));
    const [row = ""] = rows(await commentOf(at));
    expect(row).toMatch(/✋ 1 to create \| ⏳ waiting/);
  });

  test("is missing where nothing is planned, and where we may no longer speak", async () => {
    const at = platform();
    const { base, head } = await existingStack(at);
    const other = commitFiles(at.repository, { parent: base, files: { "README.md": "hello" } });
    await at.deliver({ pullRequest: at.pull(base, other, { number: 9 }) });
    expect(await commentOf(at, 9)).toBe("");
    expect((await at.world.deadLetters.list(1)).total).toBe(0);
    await at.deliver({ pullRequest: at.pull(base, head) });
    expect((await at.world.deadLetters.list(1)).total).toBe(0);
  });
});

describe("the text of the comment", () => {
  const body = (
    summary: string,
    title = "1 to create",
    conclusion: Body["conclusion"] = "success",
  ): Body => ({
    status: "completed",
    title,
    summary,
    ...(conclusion === undefined ? {} : { conclusion }),
  });
  const part = (stack: string, plan: Body, apply?: Body) => ({ stack: `stacks/${stack}`, plan, apply });

  test("has each row in one line and three cells, whatever a title says", () => {
    const hostile = "x | y\n| z | <img src=x onerror=alert(1)> @everyone #1 [a](javascript:b) `";
    const text = commentText([part("web", body("s", hostile))], 0);
    const [row = ""] = rows(text);
    expect(row.replaceAll("\\|", "").split("|")).toHaveLength(5);
    expect(text).not.toContain("<img");
    expect(text).not.toContain("@everyone");
    expect(text).not.toContain("[a](");
  });

  test("closes a block that was cut, so that nothing behind it is swallowed", () => {
    const log = codeBlock("</details>\n````\nline of a log\n".repeat(2_000));
    const text = commentText([part("web", body(log, "failed", "failure")), part("zoo", body("short"))], 0);
    const [cut = "", next = ""] = text.split(/(?=<details><summary>)/).slice(1);
    expect(cut.length).toBeLessThan(COMMENT_PART_LENGTH_MAX + 200);
    const fences = cut.split("\n").filter((line) => /^`{5}$/.test(line));
    expect(fences).toHaveLength(2);
    expect(cut).toMatch(/`{5}\n\n_The check says the rest\._\n\n<\/details>/);
    expect(next).toContain("<code>zoo</code>");
  });

  test("never grows beyond what GitHub takes, and says what it leaves out", () => {
    const parts = Array.from({ length: 100 }, (_, index) =>
      part(`stack-${index}`, body("x\n".repeat(20_000), "y".repeat(5_000))),
    );
    const text = commentText(parts, 12);
    expect(text.length).toBeLessThanOrEqual(COMMENT_LENGTH_MAX);
    expect(rows(text)).toHaveLength(100);
    expect(text).toContain("12 more stacks");
    expect(text).toMatch(/parts do not fit here/);
  });

  test("puts what failed and what waits for somebody before what went well", () => {
    const text = commentText(
      [
        part("a", body("fine")),
        part("b", body("broken", "failed", "failure")),
        part("c", body("ask", "t", "action_required")),
      ],
      0,
    );
    expect([...text.matchAll(/<code>(\w)<\/code>/g)].map(([, name]) => name)).toEqual(["b", "c", "a"]);
  });
});
