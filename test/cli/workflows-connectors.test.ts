// Connectors in cases and costs by step, as a person meets them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../cli/exit.ts";
import { temporaryFolder } from "../support/folder.ts";
import { callCli } from "./call-cli.ts";

const QUERY = `
main:
  params: [args]
  steps:
    - ask:
        try:
          call: googleapis.bigquery.v2.jobs.query
          args:
            projectId: \${args.project}
            body: {query: select 1, useLegacySql: false}
          result: answer
        except:
          as: error
          steps:
            - tell:
                return: \${error.operation.state}
    - done:
        return: \${answer.totalRows}
`;

const CASES = `
cases:
  - name: counts the rows
    argument: {project: p}
    effects:
      - call: googleapis.bigquery.v2.jobs.*
        args: {projectId: p}
        body: {query: select 1}
        answers: [{json: {totalRows: "3"}}]
    expect:
      result: "3"
      calls: [googleapis.bigquery.v2.jobs.query]
  - name: tells the state of a job that failed
    argument: {project: p}
    effects:
      - call: googleapis.bigquery.v2.jobs.query
        answers: [{raises: {message: no, tags: [OperationError], operation: {state: FAILED}}}]
    expect: {result: FAILED}
`;

const BUILD = `
- build:
    call: googleapis.cloudbuild.v1.projects.builds.create
    args: {projectId: p, body: {steps: []}}
    result: built
- done:
    return: \${built.status}
`;

const BUILD_CASES = `
cases:
  - name: waits for the build
    effects:
      - call: googleapis.cloudbuild.v1.projects.builds.create
        answers:
          - {json: {name: operations/b, done: false}}
          - {json: {name: operations/b, done: true, response: {status: SUCCESS}}}
    expect: {result: SUCCESS, seconds: 1}
`;

function shell(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return async (...words: readonly string[]) => {
    const { code, out, err } = await callCli(
      words.map((word) => word.replace("{}", folder)),
      {},
    );
    return { code, out: out.replaceAll(`${folder}/`, ""), err: err.replaceAll(`${folder}/`, "") };
  };
}

describe("connectors", () => {
  test("a case stands in for one that no table knows, with a result or an error of its own", async () => {
    const call = shell({ "query.yaml": QUERY, "query.cases.yaml": CASES });
    const { code, out } = await call("workflows", "test", "{}/query.yaml");
    expect(out).toContain("Coverage 100 %");
    expect(code).toBe(EXIT.ok);
  });

  test("a case may name one that the table knows, and its polls, by its name", async () => {
    const call = shell({ "build.yaml": BUILD, "build.cases.yaml": BUILD_CASES });
    expect(await call("workflows", "test", "{}/build.yaml")).toMatchObject({ code: EXIT.ok });
  });

  test("check warns of an unknown one, and a run says how to go on", async () => {
    const call = shell({ "query.yaml": QUERY.replace("error.operation.state", "error.message") });
    const checked = await call("workflows", "check", "{}/query.yaml");
    expect(checked).toMatchObject({
      code: EXIT.ok,
      out: expect.stringMatching(/warning: .*bigquery/) as string,
    });
    const ran = await call("workflows", "run", "{}/query.yaml", "--args", '{"project": "p"}');
    for (const way of ["unknown connector", "in a case", "http.request", "connectors/table.ts"])
      expect(ran.out).toContain(way);
  });
});

describe("the cost of each step", () => {
  test("adds up to that of the execution, with what left Google's hosts apart", async () => {
    const call = shell({
      "calls.yaml": `
- begin:
    assign: [{n: 0}]
- loop:
    for:
      value: i
      range: [1, 3]
      steps:
        - fetch:
            call: http.get
            args: {url: https://api.example.com/x}
        - add:
            switch:
              - condition: \${i > 1}
                assign: [{n: "\${n + 1}"}]
- done:
    return: \${n}
`,
      "calls.cases.yaml":
        "cases:\n  - name: all\n    effects: [{call: 'GET *', answers: [{json: 1}]}]\n    expect: {result: 2}\n",
    });
    const { out } = await call("--json", "workflows", "cost", "{}/calls.yaml", "--steps");
    const { rows, steps } = JSON.parse(out) as {
      rows: { internal: number; external: number }[];
      steps: { step: string; visits: number; internal: number; external: number }[];
    };
    expect(steps.map(({ step, visits, external }) => [step, visits, external])).toEqual([
      ["begin", 1, 0],
      ["loop", 1, 0],
      ["fetch", 3, 3],
      ["add", 3, 0],
      ["done", 1, 0],
    ]);
    for (const kind of ["internal", "external"] as const)
      expect(steps.reduce((sum, step) => sum + step[kind], 0)).toBe(rows[0]?.[kind]);
  });
});
