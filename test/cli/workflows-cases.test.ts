// `signalbox workflows test`, `cost` and `graph`: what passes, what fails and why, what was met, what it costs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../cli/exit.ts";
import { temporaryFolder } from "../support/folder.ts";
import { callCli } from "./call-cli.ts";

/** Writes files into a fresh folder and answers a command line over them; `{}` in a word stands for the folder. */
function shell(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return async (...words: readonly string[]) => {
    const { code, out, err } = await callCli([
      "workflows",
      ...words.map((word) => word.replaceAll("{}", folder)),
    ]);
    return { exit: code, out: out.replaceAll(`${folder}/`, ""), err: err.replaceAll(`${folder}/`, "") };
  };
}

/** Asks, tries again while it is busy, logs, and decides. */
const ORDER = `
main:
  params: [args]
  steps:
    - ask:
        try:
          call: http.post
          args:
            url: https://shop.test/orders
            body: {item: "\${args.item}"}
          result: answer
        retry:
          predicate: \${http.default_retry_predicate}
          max_retries: 3
          backoff: {initial_delay: 2, max_delay: 60, multiplier: 2}
    - say:
        call: sys.log
        args: {text: "\${answer.body.id}", severity: INFO}
    - decide:
        switch:
          - condition: \${answer.body.total > 100}
            return: big
    - small:
        return: small
`;

const CASES = `
effects:
  - call: POST https://shop.test/orders
    answers:
      - {json: {id: o-1, total: 7}}
cases:
  - name: a small order
    argument: {item: pen}
    expect:
      result: small
      calls:
        - {call: POST https://shop.test/orders, body: {item: pen}, step: ask, auth: null}
      logs: [INFO o-1]
      seconds: 0
      steps: {external: 1}
  - name: a big order after a while
    argument: {item: car}
    effects:
      - step: ask
        answers: [{status: 503, times: 2}, {json: {id: o-2, total: 700}}]
    expect: {result: big, seconds: 6}
  - name: a shop that is closed
    argument: {item: pen}
    effects:
      - {body: {item: pen}, answers: [{failure: ConnectionFailedError}]}
    expect: {error: {tags: [ConnectionFailedError, ConnectionError]}, failedIn: ask}
`;

/** One case with what it expects; everything else as in CASES. */
const oneCase = (rest: string): string => `
effects:
  - {call: "POST https://shop.test/orders", answers: [{json: {id: o-1, total: 7}}]}
cases:
  - name: one
    argument: {item: pen}
${rest.replaceAll(/^/gm, "    ")}
`;

describe("test", () => {
  test("prints each case and full coverage, with exit 0", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    expect(await call("test", "{}/order.yaml", "--min-coverage", "100")).toEqual({
      exit: 0,
      out:
        "order.yaml\n" +
        "pass  a small order\n" +
        "pass  a big order after a while (6 s of virtual time)\n" +
        "pass  a shop that is closed (14 s of virtual time)\n" +
        "Coverage 100 %: steps 6/6, branches 3/3\n",
      err: "",
    });
  });

  test("runs a suite once, though a workflow and its cases are both named", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    const { out } = await call("test", "{}/order.cases.yaml", "{}/order.yaml");
    expect(out.match(/^Coverage/gm)).toHaveLength(1);
  });

  test("finds the workflow of a file of cases, too", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    const { exit, out } = await call("test", "{}/order.cases.yaml");
    expect({ exit, passes: out.match(/^pass/gm)?.length }).toEqual({ exit: 0, passes: 3 });
  });

  test("names what no case has met, and fails below the coverage that is asked for", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    const { exit, out, err } = await call(
      "test",
      "{}/order.yaml",
      "--only",
      "a small",
      "--min-coverage",
      "90",
    );
    expect(exit).toBe(1);
    expect(out).toContain("  not met: main.decide, line 19: case 0 taken\n");
    expect(out).toContain("  not met: main.ask, line 5: retry\n");
    expect(err).toMatch(/^order\.yaml: coverage is [\d.]+ %, asked for is 90 %\.\n$/);
  });

  test.each([
    ["another result", "expect: {result: big}", 'expected the result "big", got "small"'],
    [
      "an error that did not come",
      "expect: {error: {code: 404}}",
      'expected FAILED, got SUCCEEDED with "small"',
    ],
    [
      "an error that came",
      "effects: [{step: ask, answers: [{status: 404}]}]\nexpect: {result: small}",
      "expected SUCCEEDED, got FAILED with",
    ],
    [
      "another error",
      "effects: [{step: ask, answers: [{status: 404}]}]\nexpect: {error: {code: 410}}",
      'expected an error with {"code":410}, got',
    ],
    [
      "another step that fails",
      "effects: [{step: ask, answers: [{status: 404}]}]\nexpect: {failedIn: say}",
      'expected step "say" to fail, it was "ask"',
    ],
    [
      "a call that is missing",
      "expect: {calls: [POST https://shop.test/orders, GET https://shop.test/x]}",
      "call 2: expected GET https://shop.test/x, got none",
    ],
    [
      "a call too many",
      "expect: {calls: []}",
      "call 1: expected no further call, got POST https://shop.test/orders (step ask",
    ],
    [
      "another body",
      "expect: {calls: [{call: '*', body: {item: car}}]}",
      'call 1: expected {"call":"*","body":{"item":"car"}}',
    ],
    ["another log", "expect: {logs: [INFO o-2]}", 'expected the log ["INFO o-2"], got ["INFO o-1"]'],
    ["another time", "expect: {seconds: 5}", "expected 5 virtual seconds, it took 0"],
    ["other steps", "expect: {steps: {internal: 99}}", "expected 99 internal steps, there were"],
    [
      "an effect that nothing meets",
      "effects: [{call: GET https://shop.test/never, answers: [{status: 200}]}]\nexpect: {result: small}",
      "no request met the effect GET https://shop.test/never",
    ],
    [
      "a callback that nothing waits for",
      "callbacks: [{step: approve, body: {}}]\nexpect: {result: small}",
      'nothing waited for the callback of step "approve"',
    ],
  ])("says how a case fails: %s", async (_, rest, words) => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": oneCase(rest) });
    const { exit, out, err } = await call("test", "{}/order.yaml");
    expect(exit).toBe(1);
    expect(out).toContain("FAIL  one");
    expect(out).toContain(words);
    expect(err).toBe("order.yaml: 1 of 1 cases failed.\n");
  });

  test("fails a case with a call that no effect answers, and names its step and line", async () => {
    const call = shell({
      "order.yaml": ORDER,
      "order.cases.yaml": "cases:\n  - {name: one, argument: {item: pen}, expect: {result: small}}\n",
    });
    const { exit, out } = await call("test", "{}/order.yaml");
    expect(exit).toBe(1);
    expect(out).toContain('no effect answers POST https://shop.test/orders (step "ask", line 7): add one');
  });

  test("delivers scripted callbacks after their virtual time, and lets the others run out", async () => {
    const call = shell({
      "approve.yaml": `
- make:
    call: events.create_callback_endpoint
    args: {http_callback_method: POST}
    result: endpoint
- wait:
    try:
      call: events.await_callback
      args: {callback: "\${endpoint}", timeout: 3600}
      result: answer
    except:
      as: e
      steps:
        - late:
            return: \${e.tags}
- over:
    return: \${answer.http_request.body.by}
`,
      "approve.cases.yaml": `
cases:
  - name: approved after a minute
    callbacks: [{step: wait, afterSeconds: 60, body: {by: ada}}]
    expect: {result: ada, seconds: 60}
  - name: nobody came
    expect: {result: [TimeoutError], seconds: 3600}
`,
    });
    expect((await call("test", "{}/approve.yaml", "--min-coverage", "100")).exit).toBe(0);
  });

  test("cancels a case when it says so", async () => {
    const call = shell({
      "wait.yaml": "- wait:\n    call: sys.sleep\n    args: {seconds: 100}\n",
      "wait.cases.yaml":
        "cases:\n  - {name: a, cancelAfterSeconds: 40, expect: {state: CANCELLED, seconds: 40}}\n",
    });
    expect(await call("test", "{}/wait.yaml")).toMatchObject({ exit: 0 });
  });

  test("prints results for programs with --json", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    const { out } = await call("test", "{}/order.yaml", "--json");
    expect(JSON.parse(out)).toMatchObject([
      {
        file: "order.yaml",
        cases: [{ name: "a small order", pass: true }, { pass: true }, { pass: true }],
        coverage: { share: 1 },
      },
    ]);
  });

  test("says where cases are looked for, and refuses two of one name", async () => {
    const call = shell({
      "order.yaml": ORDER,
      "twice.cases.yaml": CASES.replace("a big order after a while", "a small order"),
    });
    expect(await call("test", "{}/order.yaml")).toMatchObject({
      exit: EXIT.notFound,
      err: expect.stringMatching(/^order\.cases\.yaml does not exist: write cases there/) as string,
    });
    const twice = await call("test", "{}/order.yaml", "--cases", "{}/twice.cases.yaml");
    expect(twice.exit).toBe(1);
    expect(twice.err).toContain('twice.cases.yaml:16:11: error: a second case is named "a small order"');
  });
});

describe("cost", () => {
  test("tells billed steps and the list price of each case", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    const { exit, out } = await call("cost", "{}/order.yaml", "--json", "--executions", "1000000");
    expect(exit).toBe(0);
    const { rows } = JSON.parse(out) as {
      rows: { name: string; internal: number; external: number; dollars: number; monthDollars: number }[];
    };
    const [small, big] = rows;
    expect(small).toMatchObject({ name: "a small order", external: 1 });
    expect(big).toMatchObject({ external: 3 });
    if (small === undefined) throw new Error("the first case has no row");
    expect(small.dollars).toBeCloseTo((small.internal * 0.01 + 0.025) / 1000, 9);
    const billed = ((small.internal * 1e6 - 5_000) / 1000) * 0.01 + ((1e6 - 2_000) / 1000) * 0.025;
    expect(small.monthDollars).toBeCloseTo(billed, 6);
  });

  test("prints a table for people, with steps on request", async () => {
    const call = shell({ "order.yaml": ORDER, "order.cases.yaml": CASES });
    const { out } = await call("cost", "{}/order.yaml", "--steps");
    expect(out).toMatch(/^a small order +\d+ +0 +1 +\$0\.\d+ +\$/m);
    expect(out).toMatch(/^main\.ask +5 +3 +16 +8 +\$0\.000360$/m);
    expect(out).toContain("List price: $0.01 per 1,000 internal and $0.025 per 1,000 external steps");
  });

  test("measures a run where one is asked for, and says how when there are no cases", async () => {
    const call = shell({
      "add.yaml": "main:\n  params: [n]\n  steps:\n    - add:\n        return: ${n + 1}\n",
    });
    const { out } = await call("cost", "{}/add.yaml", "--args", "1", "--json");
    expect(JSON.parse(out)).toMatchObject({ rows: [{ name: "this run", internal: 1, external: 0 }] });
    const without = await call("cost", "{}/add.yaml");
    expect(without).toMatchObject({
      exit: EXIT.notFound,
      err: expect.stringContaining("--virtual-time") as string,
    });
  });
});

describe("graph", () => {
  test("draws steps, cases, retries and calls as a Mermaid flowchart", async () => {
    const call = shell({
      "all.yaml": `
main:
  steps:
    - each:
        for:
          value: item
          in: [1, 2]
          steps:
            - skip:
                switch:
                  - condition: \${item == 1}
                    next: continue
                  - condition: \${item > "1"}
                    next: break
            - work:
                call: once
    - both:
        parallel:
          branches:
            - left: {steps: [{l: {assign: [{x: 1}]}}]}
            - right: {steps: [{r: {assign: [{y: 1}]}}]}
    - careful:
        try:
          call: once
        retry: \${http.default_retry}
        except:
          as: e
          steps:
            - give_up: {raise: "\${e}"}
    - leave:
        next: end
    - never:
        return: 1
once:
  steps:
    - done: {return: 2}
`,
    });
    const { exit, out } = await call("graph", "{}/all.yaml");
    expect(exit).toBe(0);
    const lines = out.split("\n").map((line) => line.trim());
    expect(lines[0]).toBe("flowchart TD");
    for (const line of [
      'subgraph main__routine["main"]',
      'main_1{{"each<br/>for item in […]"}}',
      'main_1 -->|"each"| main_6',
      'main_6 -->|"item == 1"| main_1',
      'main_6 -->|"item #62; #34;1#34;"| main_2',
      'main_1 -->|"done"| main_2',
      "main_7 -.-> once__start",
      'main_2 -->|"left"| main_8',
      "main_8 --> main_2_join",
      'main_3 -.->|"retry: http.default_retry"| main_3',
      'main_3 -.->|"error"| main_3_except',
      "main_4 --> main__end",
    ])
      expect(lines).toContain(line);
  });

  test("refuses a file that has no shape, with its place", async () => {
    const call = shell({ "bad.yaml": "main: 7\n" });
    expect(await call("graph", "{}/bad.yaml")).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/^bad\.yaml:1:\d+: error: /) as string,
    });
  });
});
