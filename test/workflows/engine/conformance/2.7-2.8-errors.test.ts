import { describe, expect, test } from "vitest";
import {
  failure,
  jsonResponse,
  textResponse,
  type EffectResult,
} from "../../../../workflows/engine/engine.ts";
import { problemsOf, resultText, run } from "../support/run-workflow.ts";

const GET = "call: http.get, args: {url: 'https://x.test/'}";

/** The value that an except sees for one answer to a GET. */
async function caught(answer: EffectResult): Promise<Record<string, unknown>> {
  const source = `- t:\n    try: {${GET}}\n    except: {as: e, steps: [{r: {return: '\${e}'}}]}\n`;
  return JSON.parse(await resultText(source, { script: [{ when: "GET", answers: [answer] }] })) as Record<
    string,
    unknown
  >;
}

describe("2.7 errors", () => {
  test("[O 2.7-05] HttpError has body, code, headers, message and tags", async () => {
    expect(await caught(textResponse(503, "busy"))).toEqual({
      body: "busy",
      code: 503,
      headers: { "Content-Type": "text/plain" },
      message: "HTTP server responded with error code 503",
      tags: ["HttpError"],
    });
  });
  test.each([
    ["D 2.7-06", "ConnectionError", ["ConnectionError"]],
    ["?", "ConnectionFailedError", ["ConnectionFailedError", "ConnectionError"]],
    ["D 2.7-08", "TimeoutError", ["TimeoutError"]],
    ["D 2.7-09", "AuthError", ["AuthError"]],
  ] as const)("[%s] %s carries the tags %j and no code", async (_, tag, tags) => {
    const error = await caught(failure(tag, "went wrong"));
    expect(error["tags"]).toEqual(tags);
    expect(error).not.toHaveProperty("code");
  });
  test("[O 2.7-10] KeyError has its exact text", async () => {
    const source =
      "- i:\n    assign: [{m: {}}]\n- t:\n    try: {assign: [{x: '${m.taskCount}'}]}\n    except: {as: e, steps: [{r: {return: '${e}'}}]}\n";
    expect(await resultText(source)).toBe(
      '{"message":"KeyError: key not found: taskCount","tags":["KeyError","LookupError"]}',
    );
  });
  test("[O 2.7-12] string() of a map names the types that it expects", async () => {
    const source =
      "- i:\n    assign: [{m: {}}]\n- t:\n    try: {assign: [{x: '${string(m)}'}]}\n    except: {as: e, steps: [{r: {return: '${e.message}'}}]}\n";
    expect(await resultText(source)).toBe(
      "\"TypeError: unsupported operand type for string(): 'dict' (expecting number, string, or boolean)\"",
    );
  });
  test("[R 2.7-03] a raised string is a string in except", async () => {
    expect(
      await resultText(
        "- t:\n    try: {raise: x}\n    except: {as: e, steps: [{r: {return: '${get_type(e)}'}}]}\n",
      ),
    ).toBe('"string"');
  });
  test("[R 2.7-04] a caught error may be raised again as it is", async () => {
    const source =
      "- t:\n    try: {raise: {code: 7, mine: [1]}}\n    except: {as: e, steps: [{r: {raise: '${e}'}}]}\n";
    expect(await resultText(source)).toBe('ERROR {"code":7,"mine":[1]}');
  });
  test("[?] except without as is accepted", async () =>
    expect(await resultText("- t:\n    try: {raise: x}\n    except: {steps: [{r: {return: 1}}]}\n")).toBe(
      "1",
    ));
  test("[R 2.7-15] calls deeper than 20 raise RecursionError", async () => {
    const source =
      "main:\n  steps:\n    - t:\n        try: {call: f, args: {n: 1}}\n        except: {as: e, steps: [{r: {return: '${e.tags}'}}]}\nf:\n  params: [n]\n  steps:\n    - c:\n        call: f\n        args: {n: '${n + 1}'}\n";
    expect(await resultText(source)).toBe('["RecursionError"]');
  });
  test("[R 2.7-15] twenty calls deep is allowed", async () => {
    const source =
      "main:\n  steps:\n    - r:\n        return: ${f(18)}\nf:\n  params: [n]\n  steps:\n    - c:\n        switch: [{condition: '${n == 0}', return: bottom}]\n    - d:\n        return: ${f(n - 1)}\n";
    expect(await resultText(source)).toBe('"bottom"');
  });
  test("[O 2.7-23] the context names step, routine and line of each frame, innermost first", async () => {
    const { outcome } = await run(
      "main:\n  steps:\n    - outer:\n        call: f\nf:\n  steps:\n    - invoke:\n        call: http.get\n        args: {url: 'https://x.test/'}\n",
      { script: [{ when: "GET", answers: [textResponse(404, "")] }] },
    );
    expect(outcome.state === "FAILED" ? outcome.error.context.split("\n") : []).toEqual([
      "HTTP server responded with error code 404",
      'in step "invoke", routine "f", line: 7',
      'in step "outer", routine "main", line: 3',
    ]);
  });
  test("[?] reading a variable before it was assigned raises KeyError", async () => {
    expect(
      await resultText("- a:\n    next: c\n- b:\n    assign: [{x: 1}]\n- c:\n    return: ${x}\n"),
    ).toContain('"tags":["KeyError","LookupError"]');
  });
});

describe("2.8 try, retry and except", () => {
  const retried = (policy: string): string =>
    `- t:\n    try: {${GET}, result: r}\n    retry: ${policy}\n    except: {as: e, steps: [{x: {return: '\${default(map.get(e, "code"), e.tags[0])}'}}]}\n- d:\n    return: ok\n`;
  const attempt = async (
    policy: string,
    answers: readonly EffectResult[],
  ): Promise<[string, number, number]> => {
    const source = retried(policy);
    const { outcome, driver, seconds } = await run(source, { script: [{ when: "GET", answers }] });
    return [outcome.state === "SUCCEEDED" ? outcome.result : outcome.state, driver.requests.length, seconds];
  };
  const http = (status: number): EffectResult => textResponse(status, "");
  const OK = jsonResponse(200, {});

  test.each([429, 502, 503, 504])("[D 2.8-10] http.default_retry retries %d", async (code) => {
    expect(await attempt("${http.default_retry}", [http(code), OK])).toEqual(['"ok"', 2, 1]);
  });
  test.each([400, 404, 408, 500, 501])("[D 2.8-10] http.default_retry does not retry %d", async (code) => {
    expect(await attempt("${http.default_retry}", [http(code), OK])).toEqual([String(code), 1, 0]);
  });
  test.each(["ConnectionError", "ConnectionFailedError", "TimeoutError"] as const)(
    "[D 2.8-11] http.default_retry retries %s",
    async (tag) => {
      expect(await attempt("${http.default_retry}", [failure(tag, "x"), OK])).toEqual(['"ok"', 2, 1]);
    },
  );
  test.each([
    [429, 2],
    [503, 2],
    [502, 1],
    [504, 1],
    [500, 1],
  ])("[D 2.8-12] the non-idempotent policy meets %d with %d requests", async (code, requests) => {
    expect((await attempt("${http.default_retry_non_idempotent}", [http(code), OK]))[1]).toBe(requests);
  });
  test.each([
    ["ConnectionFailedError", 2],
    ["ConnectionError", 1],
    ["TimeoutError", 1],
  ] as const)("[D 2.8-13] the non-idempotent policy meets %s with %d requests", async (tag, requests) => {
    expect((await attempt("${http.default_retry_non_idempotent}", [failure(tag, "x"), OK]))[1]).toBe(
      requests,
    );
  });
  test("[D 2.8-07] max_retries does not count the first attempt, and delays grow to max_delay", async () => {
    const policy =
      "{predicate: '${retry.always}', max_retries: 4, backoff: {initial_delay: 2, max_delay: 5, multiplier: 2}}";
    expect(await attempt(policy, [http(400)])).toEqual(["400", 5, 2 + 4 + 5 + 5]);
  });
  test("[D 2.8-04] numbers of a policy may be doubles and expressions", async () => {
    const policy =
      "{predicate: '${http.default_retry_predicate}', max_retries: '${1 + 1}', backoff: {initial_delay: 0.5, max_delay: 10.0, multiplier: 1.5}}";
    expect(await attempt(policy, [http(503)])).toEqual(["503", 3, 1.25]);
  });
  test("[D 2.8-09] retry.default_backoff may be named", async () => {
    expect(
      await attempt("{predicate: '${retry.always}', max_retries: 1, backoff: '${retry.default_backoff}'}", [
        http(400),
      ]),
    ).toEqual(["400", 2, 1]);
  });
  test("[D 2.8-05] retry.never retries nothing", async () =>
    expect(await attempt("{predicate: '${retry.never}', max_retries: 3}", [http(503)])).toEqual([
      "503",
      1,
      0,
    ]));
  test("[?] without a predicate everything is retried, when max_retries is given", async () => {
    expect(await attempt("{max_retries: 2}", [http(400)])).toEqual(["400", 3, 2.25]);
  });
  test("[D 2.8-06] a predicate may be a subworkflow with one parameter", async () => {
    const source = `main:\n  steps:\n    - t:\n        try: {${GET}, result: r}\n        retry: {predicate: "\${pick}", max_retries: 3, backoff: {initial_delay: 1, max_delay: 1, multiplier: 1}}\n    - d:\n        return: \${r.code}\npick:\n  params: [e]\n  steps:\n    - r:\n        return: \${e.code == 418}\n`;
    const { outcome, driver } = await run(source, {
      script: [{ when: "GET", answers: [http(418), http(418), OK] }],
    });
    expect(outcome).toEqual({ state: "SUCCEEDED", result: "200" });
    expect(driver.requests).toHaveLength(3);
  });
  test("[?] an error in a predicate goes outward", async () => {
    const source = `main:\n  steps:\n    - t:\n        try: {raise: inner}\n        retry: {predicate: "\${bad}", max_retries: 3}\n        except: {steps: [{x: {return: own}}]}\nbad:\n  params: [e]\n  steps:\n    - r:\n        raise: from predicate\n`;
    expect(await resultText(source)).toBe('ERROR "from predicate"');
  });
  test("[D 2.8-05] a predicate that is no function is refused", () => {
    expect(
      problemsOf("- t:\n    try: {raise: x}\n    retry: {predicate: '${nope}', max_retries: 1}\n"),
    ).toEqual(["retry-predicate"]);
  });
  test("[R 2.8-02] retry restarts the whole body, and what was assigned stays", async () => {
    const source = `- i:\n    assign: [{n: 0}]\n- t:\n    try:\n      steps:\n        - a:\n            assign: [{n: "\${n + 1}"}]\n        - b:\n            switch: [{condition: "\${n < 3}", raise: again}]\n    retry: {predicate: "\${retry.always}", max_retries: 5}\n- r:\n    return: \${n}\n`;
    expect(await resultText(source)).toBe("3");
  });
  test("[R 2.8-15] an error in except goes outward, not to the same try", async () => {
    expect(await resultText("- t:\n    try: {raise: a}\n    except: {steps: [{b: {raise: b}}]}\n")).toBe(
      'ERROR "b"',
    );
  });
  test("[D 2.8-01] nested tries catch the innermost first", async () => {
    const source =
      "- t:\n    try:\n      steps:\n        - u:\n            try: {raise: a}\n            except: {as: e, steps: [{b: {raise: '${e + 1}'}}]}\n    except: {as: f, steps: [{c: {return: '${f + 2}'}}]}\n";
    expect(await resultText(source)).toBe('"a12"');
  });
  test("[D 2.8-01] retry comes before except", async () =>
    expect(await attempt("${http.default_retry}", [http(503), http(404)])).toEqual(["404", 2, 1]));
});
