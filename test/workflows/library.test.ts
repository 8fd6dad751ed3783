// Workflows inside a program of one's own, through the entry that the package exports.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compile, jsonResponse, type Program, run } from "../../workflows/library.ts";
import { ROOT } from "../support/source-files.ts";

function programOf(source: string): Program {
  const compiled = compile(source, { file: "test.yaml" });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.program;
}

const GET = `
main:
  params: [args]
  steps:
    - rest:
        call: sys.sleep
        args: {seconds: 86400}
    - get:
        call: http.get
        args: {url: https://api.test/x}
        result: answer
    - say:
        call: sys.log
        args: {text: got it, severity: NOTICE}
    - give:
        return: {answer: "\${answer.body}", argument: "\${args}", home: "\${sys.get_env(\\"HOME\\")}"}
`;

test("a run answers the value that the workflow returns, and takes no real time", async () => {
  const logged: string[] = [];
  const outcome = await run(programOf(GET), {
    argument: { a: [1, null] },
    env: { HOME: "here" },
    http: ({ method, url, step }) => jsonResponse(200, { method, url, step }),
    log: (severity, text) => void logged.push(`${severity} ${text}`),
  });
  expect(outcome).toEqual({
    state: "SUCCEEDED",
    result: {
      answer: { method: "GET", url: "https://api.test/x", step: "get" },
      argument: { a: [1, null] },
      home: "here",
    },
  });
  expect(logged).toEqual(["NOTICE got it"]);
});

test("an uncaught error is an outcome with its value and its place", async () => {
  const outcome = await run(programOf("- a:\n    raise: {code: 7}\n"));
  expect(outcome).toMatchObject({ state: "FAILED", value: { code: 7 } });
  expect(outcome.state === "FAILED" && outcome.error.context).toContain('in step "a"');
});

test("a call without a world fails as a refused connection does, and an abort cancels", async () => {
  const failed = await run(programOf("- a:\n    call: http.get\n    args: {url: https://api.test}\n"));
  expect(failed).toMatchObject({
    state: "FAILED",
    value: { tags: ["ConnectionFailedError", "ConnectionError"] },
  });
  const cancelled = await run(programOf(GET), { signal: AbortSignal.abort() });
  expect(cancelled).toEqual({ state: "CANCELLED" });
});

test("the same seed gives the same ids, another seed others", async () => {
  const program = programOf("- a:\n    return: ${uuid.generate()}\n");
  const [one, same, other] = await Promise.all([
    run(program, { seed: "a" }),
    run(program, { seed: "a" }),
    run(program, { seed: "b" }),
  ]);
  expect(same).toEqual(one);
  expect(other).not.toEqual(one);
});

test("the example runs as it stands", () => {
  const out = execFileSync(process.execPath, ["examples/run-a-workflow.ts"], {
    cwd: join(ROOT),
    encoding: "utf8",
  });
  expect(out).toBe("ship: POST https://warehouse.test/shipments\n".repeat(2) + "Shipment 7 is on its way.\n");
});
