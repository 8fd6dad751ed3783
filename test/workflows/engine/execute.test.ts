import { expect, test } from "vitest";
import { jsonResponse, textResponse } from "../../../workflows/engine/engine.ts";
import { evaluated, resultText, run } from "./support/run-workflow.ts";

test("runs a list of steps and answers its result", async () => {
  expect(await resultText("- a:\n    assign:\n      - x: 1\n- b:\n    return: ${x + 1}\n")).toBe("2");
});

test("evaluates expressions with the conversions of the language", async () => {
  expect(await evaluated('"a" + 1')).toBe('"a1"');
  expect(await evaluated("10 / 2")).toBe("5");
  expect(await evaluated("-7 // 2")).toBe("-4");
});

test("retries an HTTP request in virtual time with the documented delays", async () => {
  const source = `
main:
  params: [args]
  steps:
    - call_it:
        try:
          call: http.get
          args:
            url: \${args.url + "/x"}
            auth: {type: OIDC}
          result: r
        retry: \${http.default_retry}
    - done:
        return: \${r.body.ok}
`;
  const { outcome, driver, seconds } = await run(source, {
    argument: { url: "https://api.example.com" },
    script: [
      {
        when: "GET https://api.example.com/x",
        answers: [textResponse(503, "no"), textResponse(503, "no"), jsonResponse(200, { ok: true })],
      },
    ],
  });
  expect(outcome).toEqual({ state: "SUCCEEDED", result: "true" });
  expect(seconds).toBe(2.25);
  expect(driver.requests).toHaveLength(3);
  expect(driver.requests[0]).toMatchObject({
    kind: "http",
    auth: { type: "OIDC", audience: "https://api.example.com/x" },
    line: 7,
  });
});

test("reports an uncaught error in the shape of the executions API", async () => {
  const { outcome } = await run(
    "main:\n  steps:\n    - a:\n        call: sub\nsub:\n  steps:\n    - b:\n        raise: how odd!\n",
  );
  expect(outcome).toEqual({
    state: "FAILED",
    error: {
      payload: '"how odd!"',
      context:
        'RuntimeError: "how odd!"\nin step "b", routine "sub", line: 7\nin step "a", routine "main", line: 3',
      stackTrace: {
        elements: [
          { step: "b", routine: "sub", position: { line: 7, column: 7, length: 1 } },
          { step: "a", routine: "main", position: { line: 3, column: 7, length: 1 } },
        ],
      },
    },
  });
});

test("runs loops, switches, subworkflows inside expressions and parallel branches", async () => {
  const source = `
main:
  steps:
    - init:
        assign:
          - sum: 0
          - found: []
    - each:
        for:
          value: v
          range: [1, 5]
          steps:
            - skip:
                switch:
                  - condition: \${v == 3}
                    next: continue
                  - condition: \${v == 5}
                    next: break
            - add:
                assign:
                  - sum: \${sum + double_it(v)}
    - both:
        parallel:
          shared: [found]
          for:
            value: v
            in: [10, 20, 30]
            steps:
              - note:
                  assign:
                    - found: \${list.concat(found, v)}
    - done:
        return:
          sum: \${sum}
          count: \${len(found)}
double_it:
  params: [n]
  steps:
    - r:
        return: \${n * 2}
`;
  expect(await resultText(source)).toBe('{"sum":14,"count":3}');
});
