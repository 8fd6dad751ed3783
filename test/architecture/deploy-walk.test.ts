// docs/deploy.md names nothing that is not there: options, outputs, variables, resources, files, images, secrets, names that Terraform
// derives. What belongs to other programs is theirs to check. The first test proves that it looked.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../cli/program.ts";
import { ALL_VIEWS } from "../../scripts/compose/rebuild-views.ts";
import { readJobs, readTopology } from "../../scripts/compose/topology.ts";
import { deployments } from "../../scripts/delivery/deployments.ts";
import { parsePrincipals } from "../../shared/runtime/principals-file.ts";
import { readSource, ROOT, sourceFiles } from "../support/source-files.ts";

const COMMANDS_MIN = 3;
const NAMES_MIN = 5;

const text = readSource("docs/deploy.md");
const code = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block).join("\n");
const terraform = sourceFiles(".tf").map(readSource).join("\n");
const topology = readTopology();

/** Every first group of a pattern, once. */
const found = (pattern: RegExp, where: string): readonly string[] => [
  ...new Set([...where.matchAll(pattern)].map(([, name = ""]) => name)),
];
const declared = (kind: string): readonly string[] =>
  found(new RegExp(`^${kind} "([^"]+)"`, "gm"), terraform);

const calls = [...code.matchAll(/^signalbox (.+?)(?:\s+#.*)?$/gm)].map(([, words = ""]) => words.split(" "));
const program = createProgram({ env: {}, now: () => 0, write: () => {}, stdin: process.stdin }, () => {});

/** Long options of a call that the command line does not have, globally or at the command that is called. */
function unknownOptions(words: readonly string[]): readonly string[] {
  const lines: Command[] = [program];
  for (const word of words) {
    const inner = lines.at(-1)?.commands.find((each) => each.name() === word);
    if (inner !== undefined) lines.push(inner);
  }
  const known = new Set(lines.flatMap(({ options }) => options.map(({ long }) => long)));
  const name = lines.map((each) => each.name()).join(" ");
  return lines.length === 1
    ? [`${words.join(" ")} is no command`]
    : words.filter((word) => word.startsWith("--") && !known.has(word)).map((word) => `${name} ${word}`);
}

const outputs = found(/terraform output (?:-json |-raw )?([a-z_]+)/g, text);
const settings = [
  ...found(/^(\w+)\s*= .*#/gm, /```hcl\n([\s\S]*?)```/.exec(text)?.[1] ?? ""),
  ...found(/-var="?(\w+)=/g, code),
  ...found(/TF_VAR_(\w+)/g, text),
  ...found(/^\| [^|]+ \| `(\w+)[^|]*\|/gm, text),
];
const secrets = found(/\bput ([a-z-]+)/g, code);

describe("the walk through the deployment", () => {
  test("is seen", () => {
    expect(calls.length).toBeGreaterThanOrEqual(COMMANDS_MIN);
    expect(outputs.length).toBeGreaterThan(1);
    expect(settings.length).toBeGreaterThan(NAMES_MIN);
    expect(secrets.length).toBeGreaterThan(NAMES_MIN - 1);
  });

  test("calls our own command line by options that it has", () => {
    expect(calls.flatMap(unknownOptions)).toEqual([]);
  });

  test("names outputs, variables and resources that Terraform has", () => {
    expect(outputs.filter((name) => !declared("output").includes(name))).toEqual([]);
    expect(settings.filter((name) => !declared("variable").includes(name))).toEqual([]);
    const targets = found(/-target=([\w.]+)/g, code);
    expect(targets.filter((name) => !terraform.includes(`resource "${name.replace(".", '" "')}"`))).toEqual(
      [],
    );
  });

  test("has said what every command needs that is typed", () => {
    const needed = /^You need: .*$/m.exec(text)?.[0] ?? "";
    const programs = found(
      /(?:^|[|;(] ?|&& |\bdo )(gcloud|terraform|git|docker|node|npm|jq|openssl|kubectl|envsubst)\b/gm,
      code,
    );
    expect(programs.length).toBeGreaterThan(NAMES_MIN);
    expect(programs.filter((name) => !needed.includes(`\`${name}\``))).toEqual([]);
  });

  test("has given every variable that Terraform asks for before the first plan of a root", () => {
    for (const root of ["control-plane", "platform"]) {
      const blocks = [
        ...readSource(`terraform/${root}/variables.tf`).matchAll(/^variable "(\w+)" {\n([\s\S]*?)\n}/gm),
      ];
      const asked = blocks
        .filter(([, , body = ""]) => !/^ {2}default +=/m.test(body))
        .map(([, name = ""]) => name);
      expect(asked.length).toBeGreaterThan(0);
      const start = text.indexOf("terraform apply", text.indexOf(`cd terraform/${root}\n`));
      const before = text.slice(0, text.indexOf("\ncd ", start));
      const given = [
        ...found(/-var="?(\w+)=/g, before.slice(start)),
        ...found(/TF_VAR_(\w+)=/g, before),
        ...found(/^(\w+) += /gm, readSource(`terraform/${root}/environments/dev.tfvars`)),
        ...found(/^(\w+) *= .*#/gm, before),
      ];
      expect(asked.filter((name) => !given.includes(name))).toEqual([]);
    }
  });

  test("names every service that may not have started, at the address that Terraform has for it", () => {
    const keys = /^KEY=(\w+) +# or (.*)$/m.exec(code)?.slice(1).join(", ").split(", ") ?? [];
    expect(keys.toSorted()).toEqual(
      deployments()
        .map(({ key }) => key)
        .toSorted(),
    );
    const addresses = found(/"(module\.service\[[^ ]*)"/g, code);
    expect(addresses).toEqual(['module.service[\\"$KEY\\"].google_cloud_run_v2_service.service']);
    expect(terraform).toContain('resource "google_cloud_run_v2_service" "service"');
    expect(readSource("terraform/control-plane/services.tf")).toMatch(/^module "service" {/m);
  });

  test("writes principals that the services read, with tokens that say who they are", () => {
    const [principals = ""] = found(/principals\.json <<'END'\n([\s\S]*?)\nEND/g, code);
    const read = parsePrincipals(principals);
    expect(read.every(({ google = [] }) => google.length > 0)).toBe(true);
    // Without its address a token is nobody's (shared/adapters/google/identity.ts).
    const calls = [...text.matchAll(/print-identity-token --impersonate-service-account[^`]*/g)].map(
      ([call]) => call,
    );
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.filter((call) => !call.includes("--include-email"))).toEqual([]);
  });

  test("fills every secret that a service reads, and no other", () => {
    const read = new Set(Object.values(topology).flatMap(({ secrets: names = [] }) => names));
    expect(secrets.toSorted()).toEqual([...read].toSorted());
  });

  test("builds targets that the Dockerfile has, and fills every name in the manifests that it applies", () => {
    const targets = found(/^FROM \S+ AS (\w+)$/gm, readSource("Dockerfile"));
    expect(found(/--target (\w+)/g, code).filter((name) => !targets.includes(name))).toEqual([]);
    const manifests = found(/(deploy\/kubernetes\/[\w.]+)/g, code);
    expect(manifests.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    const wanted = manifests.flatMap((file) =>
      found(/\$\{(\w+)\}/g, readSource(file).replaceAll(/^\s*#.*$/gm, "")),
    );
    expect(wanted.filter((name) => !code.includes(`${name}=`))).toEqual([]);
  });

  test("names schedules and subscriptions that the topology gives", () => {
    const jobs = Object.entries(topology).flatMap(([name, { schedules = {} }]) =>
      Object.keys(schedules).map((path) => `${name}${path.replaceAll("/", "-")}`),
    );
    expect(jobs).toEqual(expect.arrayContaining([...found(/jobs pause \$PREFIX-([\w-]+)/g, text)]));
    const dead = found(/\$PREFIX-facts-(\w+)-dead/g, text);
    expect(dead.length).toBeGreaterThan(0);
    expect(dead.filter((name) => (topology[name]?.subscribes ?? []).length === 0)).toEqual([]);
  });

  test("starts jobs that the topology has, and names every view that one rebuilds", () => {
    const jobs = found(/gcloud run jobs (?:update|execute) \$PREFIX-([\w-]+)/g, code);
    expect(jobs).toEqual(Object.keys(readJobs()));
    const [line = ""] = found(/--args=(\w+.*)/g, code);
    const [one = "", views = ""] = line.split(/ +# one view: /);
    expect(views.split(", ").toSorted()).toEqual(ALL_VIEWS.map(({ name }) => name).toSorted());
    expect(views.split(", ")).toContain(one);
  });
});
