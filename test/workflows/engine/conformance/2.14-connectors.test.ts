import { describe, expect, test } from "vitest";
import {
  failure,
  jsonResponse,
  textResponse,
  type HttpRequest,
} from "../../../../workflows/engine/engine.ts";
import { problemsOf, resultText, run } from "../support/run-workflow.ts";

describe("2.14 connectors", () => {
  const BUILD =
    "- a:\n    try:\n      call: googleapis.cloudbuild.v1.projects.builds.create\n      args: {projectId: p, body: {steps: []}, connector_params: {timeout: 600}}\n      result: r\n    except: {as: e, steps: [{x: {return: '${e}'}}]}\n- d:\n    return: ${r.status}\n";
  const working = jsonResponse(200, { name: "operations/build/p/1", done: false });
  const done = jsonResponse(200, {
    name: "operations/build/p/1",
    done: true,
    response: { status: "SUCCESS" },
  });

  test("[D 2.14-03] a Cloud Build is polled after 1, 1.25, ... seconds until it is done, and its Build is the result", async () => {
    const { outcome, driver, seconds } = await run(BUILD, {
      script: [
        { when: "POST https://cloudbuild.googleapis.com/v1/projects/p/builds", answers: [working] },
        {
          when: "GET https://cloudbuild.googleapis.com/v1/operations/build/p/1",
          answers: [working, working, done],
        },
      ],
    });
    expect(outcome).toEqual({ state: "SUCCEEDED", result: '"SUCCESS"' });
    expect(seconds).toBe(1 + 1.25 + 1.5625);
    expect(driver.requests).toHaveLength(4);
    expect(driver.requests[0]).toMatchObject({
      auth: { type: "OAuth2" },
      connector: "googleapis.cloudbuild.v1.projects.builds.create",
    });
  });
  test("[D 2.14-08] a failed operation raises OperationError with the operation and its error", async () => {
    const failed = jsonResponse(200, {
      name: "operations/build/p/1",
      done: true,
      error: { code: 2, message: "step failed" },
    });
    const { outcome } = await run(BUILD, { script: [{ when: "POST", answers: [failed] }] });
    expect(outcome.state === "SUCCEEDED" ? JSON.parse(outcome.result) : null).toMatchObject({
      message: "step failed",
      tags: ["OperationError"],
      operation: { done: true },
      error: { code: 2 },
    });
  });
  test("[D 2.14-04] polling ends in TimeoutError after connector_params.timeout", async () => {
    const { outcome, seconds } = await run(BUILD, { script: [{ when: () => true, answers: [working] }] });
    expect(outcome.state === "SUCCEEDED" ? JSON.parse(outcome.result) : null).toMatchObject({
      tags: ["TimeoutError"],
    });
    expect(seconds).toBeLessThanOrEqual(600);
  });
  test("[D 2.14-07] polls are retried like idempotent requests, the creation is not retried on 502", async () => {
    const script = [
      { when: "POST", answers: [working] },
      { when: "GET", answers: [textResponse(502, ""), failure("TimeoutError", "x"), done] },
    ];
    expect((await run(BUILD, { script })).outcome).toEqual({ state: "SUCCEEDED", result: '"SUCCESS"' });
    const { driver } = await run(BUILD, {
      script: [{ when: "POST", answers: [textResponse(502, ""), working] }],
    });
    expect(driver.requests).toHaveLength(1);
  });
  test("[D 2.14-06] a connector asks for the scopes that it is told", async () => {
    const source = BUILD.replace("timeout: 600", "scopes: [a, b]");
    const { driver } = await run(source, { script: [{ when: "POST", answers: [done] }] });
    expect((driver.requests[0] as HttpRequest).auth).toEqual({ type: "OAuth2", scopes: ["a", "b"] });
  });
  test("[D 2.14-05] skip_polling makes the first request only", async () => {
    const source = BUILD.replace("timeout: 600", "skip_polling: true").replace("r.status", "r.done");
    expect(await resultText(source, { script: [{ when: "POST", answers: [working] }] })).toBe("false");
  });
  test("[D 2.14-09] an answer that is no resource raises ResponseTypeError", async () => {
    const { outcome } = await run(BUILD, {
      script: [{ when: "POST", answers: [jsonResponse(200, "text")] }],
    });
    expect(outcome.state === "SUCCEEDED" ? JSON.parse(outcome.result) : null).toMatchObject({
      tags: ["ResponseTypeError"],
    });
  });
  test("[D 2.14-10] executions.run gives the child's decoded result", async () => {
    const source =
      "- a:\n    call: googleapis.workflowexecutions.v1.projects.locations.workflows.executions.run\n    args: {workflow_id: w, argument: {n: 1}}\n    result: r\n- d:\n    return: ${r.n}\n";
    const env = { GOOGLE_CLOUD_PROJECT_ID: "p", GOOGLE_CLOUD_LOCATION: "l" };
    const script = [
      {
        when: "POST https://workflowexecutions.googleapis.com/v1/projects/p/locations/l/workflows/w/executions",
        answers: [jsonResponse(200, { name: "projects/p/x", state: "ACTIVE" })],
      },
      {
        when: "GET https://workflowexecutions.googleapis.com/v1/projects/p/x",
        answers: [jsonResponse(200, { name: "projects/p/x", state: "SUCCEEDED", result: '{"n":2}' })],
      },
    ];
    const { outcome, driver } = await run(source, { env, script });
    expect(outcome).toEqual({ state: "SUCCEEDED", result: "2" });
    expect(JSON.parse((driver.requests[0] as HttpRequest).body?.data ?? "")).toEqual({
      argument: '{"n":1}',
      disableConcurrencyQuotaOverflowBuffering: true,
    });
  });
  test("[O 2.14-11] a failed child raises OperationError with the execution", async () => {
    const source =
      "- a:\n    call: googleapis.workflowexecutions.v1.projects.locations.workflows.executions.run\n    args: {workflow_id: w, project_id: p, location: l}\n";
    expect(
      await resultText(source, {
        script: [
          {
            when: "POST",
            answers: [jsonResponse(200, { name: "n", state: "FAILED", error: { payload: '"x"' } })],
          },
        ],
      }),
    ).toBe(
      'ERROR {"message":"Execution failed or cancelled.","tags":["OperationError"],"operation":{"name":"n","state":"FAILED","error":{"payload":"\\"x\\""}}}',
    );
  });
  test("[D 2.14-01] arguments beyond the path and the body go into the query", async () => {
    const { driver } = await run(
      "- a:\n    call: googleapis.cloudbuild.v1.projects.builds.list\n    args: {projectId: p, pageSize: 5, filter: 'a b'}\n",
      { script: [{ when: "GET", answers: [jsonResponse(200, {})] }] },
    );
    expect((driver.requests[0] as HttpRequest).url).toBe(
      "https://cloudbuild.googleapis.com/v1/projects/p/builds?pageSize=5&filter=a%20b",
    );
  });
  test("[D 2.14-12] any well-formed connector passes the check with a warning, and only a run fails", async () => {
    const source = "- a:\n    call: googleapis.sheets.v4.spreadsheets.values.append\n    args: {range: A1}\n";
    expect(problemsOf(source)).toEqual(["unknown-connector"]);
    expect(await resultText(source)).toContain(
      "unknown connector googleapis.sheets.v4.spreadsheets.values.append",
    );
    expect(problemsOf("- a:\n    call: googleapis.sheets\n")).toEqual(["unknown-function"]);
  });
});
