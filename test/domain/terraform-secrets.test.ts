import { expect, test } from "vitest";
import { sensitiveVariableTexts } from "../../shared/domain/terraform-secrets.ts";

const texts = (contents: Readonly<Record<string, string>>, varFiles: readonly string[] = []) => {
  const files = Object.entries(contents).map(([path, text]) => ({
    path,
    mode: "100644",
    bytes: Buffer.from(text),
  }));
  return sensitiveVariableTexts("s", varFiles, files);
};
const variable = (name: string, body: string) => `variable "${name}" {\n${body}\n}\n`;

test("values of sensitive variables are found in defaults and in every variable file that Terraform loads", () => {
  const found = texts(
    {
      "s/main.tf":
        variable("a", 'sensitive = true\n default = "from-default"') +
        variable("b", "sensitive = true") +
        variable("c", 'default = "not-sensitive"'),
      "s/terraform.tfvars": 'b = "from-tfvars"\nc = "plain-text"\n',
      "s/x.auto.tfvars": 'b = ["from-auto", { deep = "from-object" }]\n',
      "s/y.auto.tfvars.json": '{"b":"from-json","c":"plain-json"}',
      "s/env/prod.tfvars": 'b = "from-named"\n',
      "s/unused.tfvars": 'b = "from-unused"\n',
      "other/terraform.tfvars": 'b = "from-elsewhere"\n',
    },
    ["env/prod.tfvars"],
  );
  expect([...found].sort()).toStrictEqual([
    "from-auto",
    "from-default",
    "from-json",
    "from-named",
    "from-object",
    "from-tfvars",
  ]);
});

test("a mark that is not a plain false counts, and short or unreadable values are left out", () => {
  const found = texts({
    "s/main.tf":
      variable("a", 'sensitive = (1 == 1)\n default = "long-enough"') +
      variable("b", 'sensitive = false\n default = "shown"') +
      variable("c", 'sensitive = true\n default = "abc"'),
    "s/broken.tf": "}",
    "s/broken.auto.tfvars": "}",
    "s/broken.auto.tfvars.json": "{",
  });
  expect(found).toStrictEqual(["long-enough"]);
});
