// Each command of gcloud that documents and programs name is one that gcloud has, with the flags that it is given.
import { describe, expect, test } from "vitest";
import { readSource, sourceFiles } from "../support/source-files.ts";
import {
  type GcloudCommand,
  gcloudCalls,
  gcloudCommands,
  unknownTo,
} from "../support/google/gcloud-commands.ts";

const CALLS_MIN = 60;

/**
 * What Google's reference has and an older gcloud has not; docs/deploy.md says from which version on.
 * https://docs.cloud.google.com/sdk/gcloud/reference/firestore/databases/clone, https://docs.cloud.google.com/run/docs/configuring/services/manual-scaling
 */
const NEWER = ["gcloud firestore databases clone", "gcloud run services update --scaling"];

/** What is typed or run. Sentences of comments speak of gcloud; lines that are indented in a comment are commands. */
function codeOf(file: string): string {
  const text = readSource(file);
  if (file.endsWith(".sh"))
    // Its function `deploy` is `gcloud deploy`.
    return text
      .replaceAll(/^# \S.*$|^deploy\(\).*$/gm, "")
      .replaceAll(/(^ *|! |\$\()deploy (?=[a-z])/gm, "$1gcloud deploy ");
  return file.endsWith(".yaml") ? text.replaceAll(/^ *# \S.*$/gm, "") : text;
}

const calls = [".md", ".yaml", ".sh", ".ts"]
  .flatMap((extension) => sourceFiles(extension))
  .filter((file) => !file.startsWith("test/"))
  .flatMap((file) => gcloudCalls(file, codeOf(file)));

const root = gcloudCommands();
const NOTE = root === undefined ? "[skipped: no gcloud on PATH, whose table of commands is compared] " : "";

describe("calls of gcloud", () => {
  test("are seen, in documents, builds and scripts", () => {
    expect(calls.length).toBeGreaterThan(CALLS_MIN);
    const files = new Set(calls.map(({ where }) => where));
    for (const file of [
      "docs/deploy.md",
      "docs/verify-on-gcp.md",
      "cloudbuild.yaml",
      "scripts/delivery/create-releases.sh",
    ])
      expect([...files]).toContain(file);
    expect(
      calls.flatMap(({ words }) => words).filter((word) => word.startsWith("--")).length,
    ).toBeGreaterThan(CALLS_MIN);
  });

  test("are looked through word by word", () => {
    const leaf: GcloudCommand = { commands: {}, flags: { "--region": "value", "--versioning": "bool" } };
    const tree: GcloudCommand = {
      commands: { run: { commands: { list: leaf }, flags: {} } },
      flags: { "--quiet": "bool" },
    };
    const wrong = (text: string) => gcloudCalls("a", text).flatMap((call) => unknownTo(tree, call));
    expect(wrong("gcloud run list --region=$R --quiet --no-versioning | sort --unique")).toEqual([]);
    expect(wrong("x=$(gcloud run list --regions=$(echo --y) \\\n  --z) # --w")).toEqual([
      "a: gcloud run list --regions",
      "a: gcloud run list --z",
    ]);
    expect(wrong("see `gcloud run`, and `gcloud run lost NAME`")).toEqual(["a: gcloud run lost"]);
    expect(wrong("for a in $(gcloud walk); do gcloud run list --x; done")).toEqual([
      "a: gcloud walk",
      "a: gcloud run list --x",
    ]);
  });

  test.skipIf(root === undefined)(`${NOTE}are of commands and flags that gcloud has`, () => {
    if (root === undefined) throw new Error("gcloud was found before.");
    const unknown = calls.flatMap((call) => unknownTo(root, call));
    const isNewer = (line: string) => NEWER.some((each) => line.endsWith(each));
    expect(unknown.filter((line) => !isNewer(line))).toEqual([]);
    for (const each of NEWER) expect(readSource("docs/deploy.md")).toContain(each.replace(/ --.*/, ""));
  });
});
