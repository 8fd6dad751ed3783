// The package as other programs install it: `import { compile, run } from "signalbox/workflows"`, with types, on plain Node.
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const execute = promisify(execFile);
const ROOT = process.cwd();
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const BUILD_MS_MAX = 120_000;

let project = "";

const answer = async (words: readonly string[]): Promise<{ code: number; out: string }> => {
  try {
    const { stdout } = await execute(process.execPath, [...words], { cwd: project });
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: `${stdout}${stderr}` };
  }
};

const WORKFLOW =
  "main:\n  params: [args]\n  steps:\n    - get:\n        call: http.get\n        args: {url: https://a.test/}\n        result: r\n    - done:\n        return: ${args.n + r.body.n}\n";

const CONSUMER = `
import { compile, formatProblem, jsonResponse, run, type RunOutcome } from "signalbox/workflows";
const compiled = compile(${JSON.stringify(WORKFLOW)}, { file: "sum.yaml" });
if (!compiled.ok) throw new Error(compiled.problems.map(formatProblem).join(" "));
const outcome: RunOutcome = await run(compiled.program, { argument: { n: 1 }, http: () => jsonResponse(200, { n: 2 }) });
console.log(JSON.stringify(outcome));
`;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "signalbox-library-"));
  const modules = join(project, "node_modules");
  const home = join(modules, "signalbox");
  mkdirSync(home, { recursive: true });
  copyFileSync("package.json", join(home, "package.json"));
  await execute(process.execPath, [TSC, "-p", "tsconfig.library.json", "--outDir", join(home, "dist")]);
  for (const name of ["re2js", "yaml"]) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  writeFileSync(join(project, "package.json"), '{"type": "module"}');
  const options = {
    module: "nodenext",
    target: "es2024",
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
    lib: ["es2024", "dom"],
  };
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["*.ts"] }),
  );
}, BUILD_MS_MAX);

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe("signalbox/workflows in another project", () => {
  test("runs a workflow, without Node having to strip types inside node_modules", async () => {
    writeFileSync(join(project, "use.ts"), CONSUMER);
    expect(await answer(["use.ts"])).toEqual({ code: 0, out: '{"state":"SUCCEEDED","result":3}\n' });
  });

  test("has types: a program that uses it well passes, one that does not is told where", async () => {
    writeFileSync(join(project, "use.ts"), CONSUMER);
    expect(await answer([TSC, "-p", "."])).toEqual({ code: 0, out: "" });
    writeFileSync(join(project, "use.ts"), CONSUMER.replace("argument:", "argumnet:"));
    const { code, out } = await answer([TSC, "-p", "."]);
    expect(code).not.toBe(0);
    expect(out).toContain("argumnet");
  });
});
