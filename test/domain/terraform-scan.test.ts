import { describe, expect, test } from "vitest";
import type { ScanPolicy } from "../../shared/domain/terraform-blocks.ts";
import { type ScannedFile, scanStack } from "../../shared/domain/terraform-scan.ts";

const NOTHING: ScanPolicy = { providers: [], provisioners: [], dataSources: [], modules: [] };
const files = (contents: Readonly<Record<string, string>>, mode = "100644"): readonly ScannedFile[] =>
  Object.entries(contents).map(([path, text]) => ({ path, mode, bytes: Buffer.from(text) }));
const scan = (contents: Readonly<Record<string, string>>, allow: Partial<ScanPolicy> = {}, directory = "s") =>
  scanStack({ directory, files: files(contents), allow: { ...NOTHING, ...allow } });
const whats = (contents: Readonly<Record<string, string>>) =>
  scan(contents)
    .problems.map(({ what }) => what)
    .join("\n");

describe("a stack that stays inside the default allow-list", () => {
  test("may use terraform_data, local modules, templates and files of its own", () => {
    const result = scan({
      "s/main.tf": [
        'terraform {\n required_version = ">= 1.9"\n}',
        'module "net" {\n source = "../modules/net"\n}',
        'resource "terraform_data" "x" {',
        ' input = templatefile("${path.module}/a.tftpl", { x = file("${path.root}/b.txt") })',
        ' triggers_replace = [for f in fileset(path.module, "*.txt") : filesha256("./b.txt")]',
        "}\n",
      ].join("\n"),
      "s/a.tftpl": "hello ${x} %{ if true }y%{ endif }",
      "s/b.txt": "b",
      "modules/net/main.tf": 'resource "terraform_data" "y" {}\noutput "o" {\n value = 1\n}\n',
    });
    expect(result.problems).toStrictEqual([]);
    expect(result.requiredVersions).toMatchObject([{ constraint: ">= 1.9", file: "s/main.tf" }]);
    expect(result.providers).toStrictEqual(["terraform.io/builtin/terraform"]);
  });
});

describe("what plans may not use", () => {
  test.each([
    ["an unlisted provider", 'provider "google" {}', "registry.terraform.io/hashicorp/google is not allowed"],
    [
      "a resource of an unlisted provider",
      'resource "google_project" "x" {}',
      "hashicorp/google is not allowed",
    ],
    ["the external data source", 'data "external" "x" {}', "data source external is not allowed"],
    ["the http data source", 'data "http" "x" {}', "data source http is not allowed"],
    [
      "another stack's state",
      'data "terraform_remote_state" "x" {}',
      "terraform_remote_state is not allowed",
    ],
    ["a data source inside a check", 'check "c" {\n data "http" "x" {}\n}', "data source http"],
    ["an ephemeral resource", 'ephemeral "random_password" "x" {}', "ephemeral resource random_password"],
    [
      "a provisioner",
      'resource "terraform_data" "x" {\n provisioner "local-exec" {\n }\n}',
      "provisioner local-exec",
    ],
    [
      "a generated provisioner",
      'resource "terraform_data" "x" {\n dynamic "provisioner" {\n }\n}',
      "provisioner dynamic",
    ],
    [
      "a destroy provisioner of a removed block",
      'removed {\n provisioner "local-exec" {\n }\n}',
      "provisioner local-exec",
    ],
    [
      "a module from Git",
      'module "m" {\n source = "git::https://x.test/m.git"\n}',
      "git::https://x.test/m.git is not allowed",
    ],
    ["a module from a registry", 'module "m" {\n source = "a/b/c"\n}', "a/b/c is not allowed"],
    ["a computed module source", 'module "m" {\n source = "${"./x"}"\n}', "not a literal"],
    ["a module outside the repository", 'module "m" {\n source = "../../x"\n}', "out of the repository"],
    ["a backend", 'terraform {\n backend "s3" {\n }\n}', "backend block is not allowed"],
    ["a cloud block", "terraform {\n cloud {\n }\n}", "cloud block is not allowed"],
    [
      "a swapped built-in provider",
      'terraform {\n required_providers {\n  terraform = { source = "evil/terraform" }\n }\n}',
      "evil/terraform is not allowed",
    ],
    [
      "a provider source in disguise",
      'terraform {\n required_providers {\n  a = { source = "terraform.io/builtin/terraform", ("source") = "evil/x" }\n }\n}',
      "cannot be told",
    ],
    ["a file elsewhere", 'locals {\n x = file("/etc/passwd")\n}', "file reads a path"],
    ["a file above the repository", 'locals {\n x = file("${path.module}/../../x")\n}', "file reads a path"],
    [
      "a computed file path",
      'locals {\n x = filebase64(join("/", ["", "etc", "passwd"]))\n}',
      "filebase64 reads a path",
    ],
    ["a call broken over lines", 'locals {\n x = (file\n("/etc/passwd"))\n}', "file reads a path"],
    ["a namespaced call", 'locals {\n x = core::file("/etc/passwd")\n}', "file reads a path"],
    ["a call inside a string", 'locals {\n x = "a ${file("/etc/passwd")}"\n}', "file reads a path"],
    [
      "a template made of text",
      "locals {\n x = templatestring(local.y, {})\n}",
      "templatestring is not allowed",
    ],
    ["an unknown block", 'action "x" "y" {}', "block type action is not known"],
    ["what cannot be read", "locals {\n x = 1, y = 2\n}", "Two values"],
  ])("refuses %s and says where", (_, text, what) => {
    const [problem] = scan({ "s/main.tf": `${text}\n` }).problems.filter((problem) =>
      problem.what.includes(what),
    );
    expect(problem).toMatchObject({ file: "s/main.tf" });
    expect(problem?.line).toBeGreaterThan(0);
    expect(problem?.remedy).not.toBe("");
  });

  test("looks into override files, JSON twins and modules of modules", () => {
    const bad = 'data "http" "x" {}\n';
    expect(whats({ "s/override.tf": bad })).toContain("http");
    expect(whats({ "s/x_override.tf": bad })).toContain("http");
    expect(whats({ "s/main.tf.json": '{"data":{"http":{"x":{}}}}' })).toContain("http");
    expect(
      whats({
        "s/main.tf": 'module "a" {\n source = "../a"\n}\n',
        "a/main.tf": 'module "b" {\n source = "./b"\n}\n',
        "a/b/main.tf": bad,
      }),
    ).toContain("http");
  });

  test("a template file may not read elsewhere either", () => {
    const main = 'locals {\n x = templatefile("./t", {})\n}\n';
    expect(whats({ "s/main.tf": main, "s/t": '${file("/etc/passwd")}' })).toContain("file reads a path");
    expect(whats({ "s/main.tf": main })).toContain("not among the stack's files");
  });

  test("links, submodules, state files and Terraform's own folders are refused", () => {
    const link = files({ "s/x": "../secret" }, "120000");
    expect(scanStack({ directory: "s", files: link, allow: NOTHING }).problems[0]?.what).toContain(
      "symbolic link",
    );
    const submodule = files({ "s/x": "" }, "160000");
    expect(scanStack({ directory: "s", files: submodule, allow: NOTHING }).problems).toHaveLength(1);
    expect(whats({ "s/.terraform/modules/modules.json": "{}" })).toContain("own work");
    expect(whats({ "s/terraform.tfstate": "{}" })).toContain("state file");
    expect(whats({ "s/zz_signalbox_override.tf.json": "{}" })).toContain("itself");
  });

  test("files that Terraform does not load are left alone", () => {
    expect(scan({ "s/main.tf": "", "s/examples/x/main.tf": 'provider "aws" {}\n' }).problems).toStrictEqual(
      [],
    );
  });
});

describe("what a maintainer allows", () => {
  const google = {
    "s/main.tf": 'provider "google" {}\ndata "google_project" "x" {}\n',
    "s/.terraform.lock.hcl": "",
  };

  test("is allowed under its short and its full name", () => {
    for (const providers of [["hashicorp/google"], ["registry.terraform.io/hashicorp/google"]]) {
      expect(scan(google, { providers, dataSources: ["google_project"] }).problems).toStrictEqual([]);
    }
  });

  test("a provider alone does not allow its data sources", () => {
    expect(
      scan(google, { providers: ["hashicorp/google"] })
        .problems.map(({ what }) => what)
        .join(),
    ).toContain("google_project");
  });

  test("a provider from elsewhere needs the lock file", () => {
    const { problems } = scan({ "s/main.tf": 'provider "google" {}\n' }, { providers: ["hashicorp/google"] });
    expect(problems).toMatchObject([{ file: "s/.terraform.lock.hcl" }]);
  });

  test("an alias among the required providers hides nothing", () => {
    const settings = (source: string) =>
      `terraform {\n required_providers {\n  g = { source = "${source}", configuration_aliases = [g.a, g.b], version = "~> 5" }\n }\n}\n`;
    const allow = { providers: ["hashicorp/google"] };
    const lock = { "s/.terraform.lock.hcl": "" };
    expect(scan({ "s/main.tf": settings("hashicorp/google"), ...lock }, allow).problems).toStrictEqual([]);
    expect(scan({ "s/main.tf": settings("evil/google"), ...lock }, allow).problems).not.toStrictEqual([]);
  });

  test("provisioners and remote modules are allowed by their own names", () => {
    const main =
      'module "m" {\n source = "a/b/c"\n}\nresource "terraform_data" "x" {\n provisioner "local-exec" {\n }\n}\n';
    expect(
      scan({ "s/main.tf": main }, { provisioners: ["local-exec"], modules: ["a/b/c"] }).problems,
    ).toStrictEqual([]);
  });
});
