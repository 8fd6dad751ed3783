import { describe, expect, test } from "vitest";
import {
  createMemoryJournal,
  createScriptedDriver,
  createVirtualClock,
  launch,
} from "../../../../workflows/engine/engine.ts";
import { program, resultText, run } from "../support/run-workflow.ts";

const CALLBACK = `
- create:
    call: events.create_callback_endpoint
    args: {http_callback_method: POST}
    result: cb
- tell:
    call: sys.log
    args: {text: "\${cb.url}"}
- wait:
    try:
      call: events.await_callback
      args: {callback: "\${cb}", timeout: 3600}
      result: got
    except:
      as: e
      steps: [{t: {return: "\${e.tags}"}}]
- done:
    return: ["\${got.http_request.body.ok}", "\${got.http_request.method}", "\${got.type}", "\${got.received_time}"]
`;

function launchCallback(source: string): {
  readonly url: () => string;
  execution: ReturnType<typeof launch>;
  told: Promise<void>;
} {
  const driver = createScriptedDriver();
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => (tell = resolve));
  const execution = launch(program(source), {
    seed: "s",
    journal: createMemoryJournal(),
    clock: createVirtualClock({ automatic: false }),
    callbackBase: "http://127.0.0.1/callbacks",
    perform: async (request, signal) => {
      const result = await driver.perform(request, signal);
      setImmediate(tell);
      return result;
    },
  });
  return { url: () => driver.logs[0]?.split(" ")[1] ?? "", execution, told };
}

describe("2.12 callbacks", () => {
  const request = {
    method: "POST",
    url: "/cb",
    query: "",
    headers: { "content-type": "application/json" },
    body: { encoding: "utf8", data: '{"ok":1}' },
  } as const;

  test("[D 2.12-05] [D 2.12-02] [R 2.12-04] a request to the endpoint wakes the execution with method, body and time", async () => {
    const { url, execution, told } = launchCallback(CALLBACK);
    await told;
    const id = url().replace("http://127.0.0.1/callbacks/", "");
    expect(await execution.deliver("unknown", request)).toBe(404);
    expect(await execution.deliver(id, { ...request, method: "GET" })).toBe(405);
    expect(await execution.deliver(id, request)).toBe(200);
    expect(await execution.finished).toEqual({
      state: "SUCCEEDED",
      result: '[1,"POST","HTTP","1970-01-01T00:00:00.000000Z"]',
    });
    expect(await execution.deliver(id, request)).toBe(404);
  });
  test("[R 2.12-03] a request before the await is kept, a second one meets 429", async () => {
    const sleepy = CALLBACK.replace(
      "- wait:",
      "- nap:\n    call: sys.sleep\n    args: {seconds: 60}\n- wait:",
    );
    const driver = createScriptedDriver();
    const clock = createVirtualClock({ automatic: false });
    const execution = launch(program(sleepy), {
      seed: "s",
      journal: createMemoryJournal(),
      clock,
      perform: driver.perform,
      callbackBase: "http://h/c",
    });
    await expect.poll(() => clock.timers()).toBe(1);
    const id = (driver.logs[0] as string).split("/").at(-1) as string;
    expect(await execution.deliver(id, request)).toBe(200);
    expect(await execution.deliver(id, request)).toBe(429);
    clock.advanceTo(60_000);
    expect((await execution.finished).state).toBe("SUCCEEDED");
  });
  test("[R 2.12-08] one endpoint may be awaited again and again", async () => {
    const twice = `
- create:
    call: events.create_callback_endpoint
    result: cb
- tell:
    call: sys.log
    args: {text: "\${cb.url}"}
- first:
    call: events.await_callback
    args: {callback: "\${cb}"}
    result: one
- second:
    call: events.await_callback
    args: {callback: "\${cb}"}
    result: two
- done:
    return: ["\${one.http_request.body.ok}", "\${two.http_request.body.ok}"]
`;
    const { url, execution, told } = launchCallback(twice);
    await told;
    const id = url().replace("http://127.0.0.1/callbacks/", "");
    expect(await execution.deliver(id, request)).toBe(200);
    expect(await execution.deliver(id, { ...request, body: { encoding: "utf8", data: '{"ok":2}' } })).toBe(
      200,
    );
    expect(await execution.finished).toEqual({ state: "SUCCEEDED", result: "[1,2]" });
  });
  test("[D 2.12-06] without a request the wait ends in TimeoutError", async () => {
    const { outcome, seconds } = await run(CALLBACK);
    expect(outcome).toEqual({ state: "SUCCEEDED", result: '["TimeoutError"]' });
    expect(seconds).toBe(3600);
  });
  test("[D 2.12-07] the default timeout is twelve hours", async () => {
    expect((await run(CALLBACK.replace(", timeout: 3600", ""))).seconds).toBe(43_200);
  });
  test("[D 2.12-01] the URL is that of the executions API", async () => {
    const env = {
      GOOGLE_CLOUD_PROJECT_NUMBER: "12",
      GOOGLE_CLOUD_LOCATION: "l",
      GOOGLE_CLOUD_WORKFLOW_ID: "w",
      GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: "e",
    };
    const url = await resultText(
      "- a:\n    call: events.create_callback_endpoint\n    result: c\n- b:\n    return: ${c.url}\n",
      { env },
    );
    expect(url).toMatch(
      /^"https:\/\/workflowexecutions\.googleapis\.com\/v1\/projects\/12\/locations\/l\/workflows\/w\/executions\/e\/callbacks\/[0-9a-f-]{36}"$/,
    );
  });
});

describe("2.13 environment", () => {
  test.each([
    "LOCATION",
    "PROJECT_ID",
    "PROJECT_NUMBER",
    "SERVICE_ACCOUNT_NAME",
    "WORKFLOW_EXECUTION_ID",
    "WORKFLOW_ID",
    "WORKFLOW_REVISION_ID",
  ])("[D 2.13-01] GOOGLE_CLOUD_%s is read by sys.get_env", async (name) => {
    expect(
      await resultText(`- a:\n    return: \${sys.get_env("GOOGLE_CLOUD_${name}")}\n`, {
        env: { [`GOOGLE_CLOUD_${name}`]: "v" },
      }),
    ).toBe('"v"');
  });
});
