import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attributeOf, type HclBody, readHcl } from "../../shared/domain/hcl.ts";
import { HCL_DEPTH_MAX, HCL_TOKENS_MAX } from "../../shared/domain/hcl-cursor.ts";
import { readTerraformJson } from "../../shared/domain/terraform-json.ts";

const body = (text: string): HclBody => {
  const read = readHcl("main.tf", text);
  if ("problem" in read) throw new Error(JSON.stringify(read.problem));
  return read;
};
const problem = (text: string) => {
  const read = readHcl("main.tf", text);
  return "problem" in read ? read.problem : undefined;
};
const value = (text: string) => attributeOf(body(`x = ${text}\n`), "x")?.expression.literal;

describe("reading Terraform's native syntax", () => {
  test("blocks, labels and attributes come out with their lines and columns", () => {
    const read = body(
      '# first\nresource "terraform_data" "one" {\n  input = "a" // end\n\n  lifecycle {\n    x = 1\n  }\n}\n',
    );
    expect(read.blocks[0]).toMatchObject({
      type: "resource",
      labels: ["terraform_data", "one"],
      line: 2,
      column: 1,
    });
    expect(read.blocks[0]?.body.attributes[0]).toMatchObject({ name: "input", line: 3, column: 3 });
    expect(read.blocks[0]?.body.attributes[0]?.expression).toMatchObject({
      literal: "a",
      line: 3,
      column: 11,
    });
    expect(read.blocks[0]?.body.blocks[0]).toMatchObject({ type: "lifecycle", line: 5 });
  });

  test("literals are recognised and everything else stays opaque", () => {
    expect(value('"a\\n\\u00e9$${x}%%{y}"')).toBe("a\né${x}%{y}");
    expect(value("-1.5e3")).toBe(-1500);
    expect(value("true")).toBe(true);
    expect(value("null")).toBe(null);
    expect(value('[\n  "a", # one\n  2,\n]')).toStrictEqual(["a", 2]);
    expect(value('{ a = "b"\n "c" : [1] }')).toStrictEqual({ a: "b", c: [1] });
    for (const opaque of [
      '"${var.x}"',
      "var.x",
      "[for x in y : x]",
      "{ a = var.b }",
      "1 + 1",
      "{ a = 1, a = 2 }",
      "f(1)",
    ]) {
      expect(value(opaque)).toBeUndefined();
    }
  });

  test("interpolations may hold strings, braces and comments", () => {
    const read = body('x = "${ { a = "}" }["a"] /* " */ }"\ny = 1\n');
    expect(read.attributes.map(({ name }) => name)).toStrictEqual(["x", "y"]);
  });

  test("heredocs end only at their own marker", () => {
    const read = body('x = <<-EOT\n  provisioner "local-exec" {}\n  EOTX\n  ${"EOT"}\n  EOT\ny = 2\n');
    expect(read.blocks).toStrictEqual([]);
    expect(attributeOf(read, "y")?.line).toBe(6);
  });

  test("comments hide nothing behind line ends that only some readers see", () => {
    const read = body("a = 1 # x\u2028b = 2\n/* c = 3\n*/ d = 4\n// e\r\nf = 5\r\n");
    expect(read.attributes.map(({ name }) => name)).toStrictEqual(["a", "d", "f"]);
    expect(problem("a = 1\rb = 2\n")).toMatchObject({ line: 1, column: 6 });
  });

  test.each([
    ["an open string", 'a = "x\n', 1],
    ["an open block", "a {\n  b = 1\n", 3],
    ["an open comment", "a = 1\n/* never", 2],
    ["an open heredoc", "a = <<E\nx\n", 3],
    ["a heredoc marker with odd blanks", "a = <<E\nx\n\u00a0E\nE\n", 3],
    ["a wrong bracket", "a = [1)\n", 1],
    ["a missing value", "a =\n", 1],
    ["two values on a line", "a = 1, b = 2\n", 1],
    ["an unknown character", "a = 'x'\n", 1],
    ["an interpolated label", 'resource "${x}" "y" {}\n', 1],
    ["a doubled attribute", "a = 1\na = 2\n", 2],
    ["something behind a block", "a {} b {}\n", 1],
    ["a quoted attribute name", '"a" = 1\n', 1],
    ["an unknown escape", 'a = "\\q"\n', 1],
  ])("refuses %s with its line", (_, text, line) => {
    expect(problem(text)?.line).toBe(line);
    expect(problem(text)?.remedy).not.toBe("");
  });

  test("hostile nesting and size are refused quickly", () => {
    expect(problem(`a = ${"[".repeat(100_000)}`)?.what).toContain(`${HCL_DEPTH_MAX}`);
    expect(problem(`a = ${'"${'.repeat(100_000)}`)?.what).toContain(`${HCL_DEPTH_MAX}`);
    expect(problem("a {\n".repeat(100_000))?.what).toContain(`${HCL_DEPTH_MAX}`);
    expect(problem(`a = [${"1,".repeat(HCL_TOKENS_MAX)}]`)?.what).toContain("tokens");
    expect(problem(`a = "${"x".repeat(999_000)}`)?.what).toContain("does not end");
  });

  test("any text is read or refused, never thrown at", () => {
    const piece = fc.constantFrom(
      '"',
      "${",
      "%{",
      "}",
      "{",
      "<<E\n",
      "E\n",
      "\n",
      "a",
      "=",
      " ",
      "#",
      "/*",
      "*/",
      "\\",
      "[",
      "]",
      "\r",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
        const read = readHcl("x.tf", pieces.join(""));
        expect("problem" in read ? read.problem.line : 1).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  test("a string literal survives writing and reading", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const written = JSON.stringify(text)
          .replaceAll("\\b", "\\u0008")
          .replaceAll("\\f", "\\u000c")
          .replaceAll("${", "$${")
          .replaceAll("%{", "%%{");
        expect(value(written)).toBe(text);
      }),
    );
  });
});

describe("reading Terraform's JSON syntax", () => {
  const json = (data: unknown) => readTerraformJson("main.tf.json", JSON.stringify(data));

  test("blocks have the same shape as in native syntax", () => {
    const read = json({
      resource: {
        terraform_data: { one: { input: "a", provisioner: [{ "local-exec": { command: "x" } }] } },
      },
      terraform: { required_version: ">= 1.9", backend: { local: {} } },
    });
    if ("problem" in read) throw new Error(read.problem.what);
    expect(read.blocks[0]).toMatchObject({ type: "resource", labels: ["terraform_data", "one"] });
    expect(read.blocks[0]?.body.blocks[0]).toMatchObject({ type: "provisioner", labels: ["local-exec"] });
    expect(read.blocks[1]?.body.blocks[0]).toMatchObject({ type: "backend", labels: ["local"] });
  });

  test("templates in strings are not literals", () => {
    const read = json({ module: { m: { source: "${x}" } } });
    if ("problem" in read) throw new Error(read.problem.what);
    expect(read.blocks[0]?.body.attributes[0]?.expression.literal).toBeUndefined();
  });

  test("doubled keys, unknown blocks and broken JSON are refused with their place", () => {
    for (const [text, line] of [
      ['{"locals":{},\n"locals":{}}', 2],
      ['{"action":{}}', 1],
      ['{"resource":\n 3}', 2],
      ["{}x", 1],
      ["[".repeat(50_000), 1],
    ] as const) {
      const read = readTerraformJson("main.tf.json", text);
      expect("problem" in read ? read.problem.line : undefined).toBe(line);
    }
  });
});
