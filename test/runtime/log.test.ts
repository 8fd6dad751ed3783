// Log lines as Cloud Logging reads them, without secrets.
import { expect, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { createLog, type Log } from "../../shared/runtime/log.ts";

function logged(write: (log: Log) => void): readonly Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLog("tested", { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a line has severity, message, service, time and its fields", () => {
  const lines = logged((log) => {
    log.info({ fact: "f" }, "one");
    log.warn({}, "two");
    log.error({}, "three");
  });
  expect(lines).toMatchObject([
    {
      severity: "INFO",
      message: "one",
      service: "tested",
      fact: "f",
      time: expect.stringMatching(/^20.*Z$/),
    },
    { severity: "WARNING", message: "two" },
    { severity: "ERROR", message: "three" },
  ]);
});

test("an error is written with code, reason, field and what caused it", () => {
  const cause = new Error("disk full");
  const [line] = logged((log) => {
    const error = new ControlPlaneError("UNAVAILABLE", "down", {
      reason: "DOWN",
      field: "uri",
      metadata: { a: "b" },
      cause,
    });
    log.error({ error }, "it failed");
  });
  expect(line).toMatchObject({
    error: {
      code: "UNAVAILABLE",
      reason: "DOWN",
      field: "uri",
      metadata: { a: "b" },
      message: "down",
      cause: { message: "disk full" },
    },
  });
});

test("secrets are taken out at the top and two levels down, whatever the header is called", () => {
  const [line] = logged((log) => {
    const headers = {
      authorization: "hunter2",
      cookie: "hunter2",
      "x-hub-signature-256": "hunter2",
      accept: "*/*",
    };
    log.info(
      { token: "hunter2", secret: "hunter2", request: { headers, password: "hunter2" }, headers },
      "asked",
    );
  });
  expect(JSON.stringify(line)).not.toContain("hunter2");
  expect(line).toMatchObject({ token: "[redacted]", request: { headers: { accept: "*/*" } } });
});
