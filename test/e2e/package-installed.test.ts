// The whole product as `npm pack` makes it: installed in another folder, started there, asked, and stopped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { install, pack, type Packed } from "../support/package-consumer.ts";
import { ROOT } from "../support/source-files.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";

const INSTALL_MS_MAX = 500_000;
const START_MS_MAX = 60_000;
/** The tarball had 0.7 MB when this was written; more than this is something that nobody meant to ship. */
const TARBALL_BYTES_MAX = 2_000_000;

let folder = "";
let packed: Packed;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-package-"));
  packed = await pack(ROOT, folder);
  const from = await install(ROOT, folder, packed);
  const [size, unpacked] = [packed.size, packed.unpackedSize].map((bytes) => (bytes / 1e6).toFixed(2));
  process.stderr.write(
    `The package: ${size} MB packed, ${unpacked} MB unpacked, ${packed.files.length} files; its dependencies came from ${from}.\n`,
  );
}, INSTALL_MS_MAX);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in the other folder, which knows nothing of this repository. */
function runThere(program: string, args: readonly string[]) {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(program, args, { cwd: folder, env: { PATH, HOME }, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => (output += text.toString()));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, ended, output: () => output };
}

const signalbox = (...args: string[]) => runThere(join(folder, "node_modules/.bin/signalbox"), args);

describe("the package", () => {
  test("holds what runs and its types, and no source, test or state", () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        "package.json",
        "LICENSE",
        "README.md",
        "bin/signalbox.js",
        "dist/cli/signalbox.js",
        "dist/cli/signalbox.d.ts",
        "dist/services/provisioner/build/main.js",
        "dist/services/console/style.css",
        "dist/terraform/services.yaml",
        "dist/workflows/canary.yaml",
        "dist/workflows/library.d.ts",
        "docs/signalbox-yaml.schema.json",
      ]),
    );
    expect(paths.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
    expect(paths.filter((path) => /(?:^|\/)(?:test|bench|\.signalbox|node_modules)\//.test(path))).toEqual(
      [],
    );
    expect(packed.size).toBeLessThan(TARBALL_BYTES_MAX);
  });

  test("finds in its own folder all that it brings along, and offers what its exports say", async () => {
    const program = `
      import { existsSync, realpathSync } from "node:fs";
      import { compile } from "signalbox/workflows";
      import schema from "signalbox/signalbox-yaml.schema.json" with { type: "json" };
      const home = realpathSync("node_modules/signalbox");
      const shipped = await import(home + "/dist/scripts/compose/shipped.js");
      console.log(JSON.stringify({
        compile: typeof compile,
        schema: schema.type,
        root: shipped.PACKAGE_ROOT === home + "/dist",
        build: existsSync(shipped.BUILD_PROGRAM.at(-1)),
        version: shipped.versionOfThis(),
        workflows: ["canary", "data-run"].map((name) => shipped.shippedWorkflow(name)?.length > 100),
      }));`;
    const { ended, output } = runThere(process.execPath, ["--input-type=module", "--eval", program]);
    expect(await ended, output()).toBe(0);
    expect(JSON.parse(output())).toEqual({
      compile: "function",
      schema: "object",
      root: true,
      build: true,
      version: packed.version,
      workflows: [true, true],
    });
  });

  test.skipIf(TERRAFORM_MISSING)(
    `${TERRAFORM_NOTE}starts a control plane, answers, and stops when asked`,
    async () => {
      const server = signalbox("--state", "state", "start", "--port", "0", "--gateway-port", "0");
      const url = await until(
        "the installed program to listen",
        () => {
          if (server.child.exitCode !== null) throw new Error(server.output());
          return /API and page\s+(http:\/\/\S+)/.exec(server.output())?.[1];
        },
        START_MS_MAX,
      );
      const schema = await fetch(`${url}/schemas/signalbox-yaml.schema.json`);
      expect(await schema.json()).toMatchObject({ type: "object" });
      expect((await fetch(`${url}/console.css`)).headers.get("content-type")).toContain("text/css");
      const status = signalbox("--state", "state", "--json", "status");
      expect(await status.ended, status.output()).toBe(0);
      const facts = signalbox("--state", "state", "--json", "facts");
      expect(await facts.ended, facts.output()).toBe(0);
      server.child.kill("SIGTERM");
      expect(await server.ended, server.output()).toBe(0);
    },
  );
});
