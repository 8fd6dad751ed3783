// The engine examines itself: what it imports, and that its documentation names every choice.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CHOICES } from "../../../workflows/engine/engine.ts";

const ROOT = join(import.meta.dirname, "../../../workflows/engine");
const sources = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".ts"),
);
const PACKAGES = ["yaml", "re2js", "node:crypto"];

test("imports nothing but itself, a YAML reader, RE2 and pure builtins", () => {
  let seen = 0;
  for (const path of sources) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [, from] of text.matchAll(/(?:from|import)\s+"([^"]+)"/g)) {
      seen++;
      const depth = path.split("/").length - 1;
      const inside = /^\.\.?\//.test(from as string) && !(from as string).startsWith("../".repeat(depth + 1));
      expect(inside || PACKAGES.includes(from as string), `${path} imports ${from}`).toBe(true);
    }
  }
  expect(seen).toBeGreaterThan(150);
});

test("reads no clock and no randomness of the host", () => {
  expect(sources.length).toBeGreaterThan(50);
  for (const path of sources) {
    const text = readFileSync(join(ROOT, path), "utf8");
    expect(text, path).not.toMatch(
      /Date\.now|new Date\(\)|Math\.random|randomUUID|randomBytes|process\.|setTimeout|fetch\(/,
    );
  }
});

test("documents every choice, and no other", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const documented = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(documented.toSorted()).toEqual(Object.keys(CHOICES).toSorted());
});

test("marks every choice that is written out in code where the page says", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| (\w+) \| .* \| `([\w/-]+\.ts)` \|$/gm)];
  const listed = rows.map(([, name, path]) => `${path} ${name}`);
  const marked = sources.flatMap((path) =>
    [...readFileSync(join(ROOT, path), "utf8").matchAll(/\/\/ Choice: (\w+)\.$/gm)].map(
      ([, name]) => `${path} ${name}`,
    ),
  );
  expect(listed.length).toBeGreaterThan(5);
  expect(marked.toSorted()).toEqual(listed.toSorted());
});
