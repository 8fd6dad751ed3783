// Counters and alerts look for words in logs: of the code, and of Google's events. Whoever changes the words changes both.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readSource, ROOT, sourceFiles } from "../support/source-files.ts";

test("every counter of logs looks for words that the services write", () => {
  const words = [...readSource("terraform/control-plane/log-metrics.tf").matchAll(/words = "([^"]+)"/g)].map(
    ([, text = ""]) => text,
  );
  expect(words.length).toBeGreaterThanOrEqual(2);
  const code = sourceFiles(".ts")
    .filter((file) => /^(services|shared)\//.test(file))
    .map(readSource);
  expect(words.filter((text) => !code.some((source) => source.includes(text)))).toEqual([]);
});

describe("every alert on a log of Google's", () => {
  const alerts = readSource("terraform/control-plane/alerts-of-logs.tf");
  const folder = join(ROOT, "node_modules/@google-cloud/deploy/build/protos/google/cloud/deploy/v1");
  const protos = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  const asked = [...alerts.matchAll(/jsonPayload\.(\w+)=\\"(\w+)\\"/g)].map(
    ([, field = "", value = ""]) => [field, value] as const,
  );
  /** Log → the message that Cloud Deploy writes there. */
  const events = new Map(
    protos.flatMap((text) =>
      [
        ...text.matchAll(
          /Payload proto for "clouddeploy\.googleapis\.com\/(\w+)"[\s\S]*?\nmessage [\s\S]*?\n}/g,
        ),
      ].map(([message, log = ""]) => [log, message] as const),
    ),
  );
  const inCamelCase = (name: string): string =>
    name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  /** Fields of a message, as JSON has them → their types. */
  const fieldsOf = (message: string): ReadonlyMap<string, string> =>
    new Map(
      [...message.matchAll(/^ {2}([\w.]+) (\w+) = \d+;$/gm)].map(([, type = "", name = ""]) => [
        inCamelCase(name),
        type.split(".").at(-1) ?? "",
      ]),
    );
  const valuesOf = (name: string): readonly string[] => {
    const body = protos
      .map((text) => new RegExp(`enum ${name} {([^}]*)}`).exec(text)?.[1])
      .find((found) => found !== undefined);
    return [...(body ?? "").matchAll(/^ +([A-Z_]+) = \d+/gm)].map(([, value = ""]) => value);
  };

  test("is seen, and so are the events that Cloud Deploy publishes", () => {
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect([...events.keys()]).toEqual(expect.arrayContaining(["release_render", "rollout_update"]));
  });

  test("looks for a field of that log's event, and a value that it can have", () => {
    const named = [
      ...alerts.matchAll(/clouddeploy\.googleapis\.com%2F(\w+)\\" AND jsonPayload\.(\w+)=\\"(\w+)\\"/g),
    ].map(([, log = "", field = "", value = ""]) => [log, field, value] as const);
    // What names no log is looked for in all that tell of a notification that failed.
    const failures = [...events.keys()].filter((log) => log.endsWith("_notification"));
    expect(failures.length).toBeGreaterThanOrEqual(4);
    const unnamed = asked.filter(
      ([field, value]) => !named.some(([, name, state]) => name === field && state === value),
    );
    const all = [...named, ...failures.flatMap((log) => unnamed.map((each) => [log, ...each] as const))];
    expect(all.length).toBeGreaterThan(asked.length);
    const wrong = all.filter(([log, field, value]) => {
      const type = fieldsOf(events.get(log) ?? "").get(field);
      return type === undefined || !valuesOf(type).includes(value);
    });
    expect(wrong).toEqual([]);
  });

  test("knows the builds of the image by the tag that they have", () => {
    const tags = [...alerts.matchAll(/labels\.build_tags:\\"([\w-]+)\\"/g)].map(([, tag]) => tag);
    expect((parse(readSource("cloudbuild.yaml")) as { tags: string[] }).tags).toEqual(tags);
    expect(alerts).toContain(`--filter='tags=${tags[0]}'`);
  });
});

test("every part of a document that Terraform's words send a reader to is there", () => {
  const sent = [".tf", ".hcl"]
    .flatMap((extension) => sourceFiles(extension))
    .map(readSource)
    .flatMap((text) => [
      ...[...text.matchAll(/\\?"([^"\\\n]+)\\?" in docs\/(\w+)\.md/g)].map(([, part, file]) => [file, part]),
      ...[...text.matchAll(/docs\/(\w+)\.md, \\?"([^"\\\n]+)\\?"/g)].map(([, file, part]) => [file, part]),
    ]);
  expect(sent.length).toBeGreaterThan(5);
  const missing = sent.filter(([file, part]) => {
    const lines = readSource(`docs/${file}.md`).split("\n");
    return !lines.some((line) => line.endsWith(` ${part}`) || line.startsWith(`**${part}`));
  });
  expect(missing).toEqual([]);
});

test("both environments give values of variables that there are, and are named for themselves", () => {
  for (const root of ["control-plane", "platform"]) {
    const declared = [...readSource(`terraform/${root}/variables.tf`).matchAll(/^variable "(\w+)"/gm)];
    const known = declared.map(([, name]) => name);
    for (const environment of ["dev", "prod"]) {
      const text = readSource(`terraform/${root}/environments/${environment}.tfvars`);
      const given = [...text.matchAll(/^(\w+) +=/gm)].map(([, name]) => name);
      expect(given).toContain("environment");
      expect(given.filter((name) => !known.includes(name))).toEqual([]);
      expect(/^environment += "(\w+)"$/m.exec(text)?.[1]).toBe(environment);
      expect(/^protected += (\w+)$/m.exec(text)?.[1]).toBe(String(environment === "prod"));
    }
  }
});
