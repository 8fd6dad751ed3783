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

test("secrets are taken out by the name of their field, at any level", () => {
  const [line] = logged((log) => {
    const headers = {
      authorization: "hunter2",
      cookie: "hunter2",
      "x-hub-signature-256": "hunter2",
      accept: "*/*",
    };
    log.info(
      {
        token: "hunter2",
        secret: "hunter2",
        request: { headers, password: "hunter2" },
        headers,
        calls: [{ sent: { headers } }],
        error: Object.assign(new Error("no"), { options: { headers } }),
      },
      "asked",
    );
  });
  expect(JSON.stringify(line)).not.toContain("hunter2");
  expect(line).toMatchObject({ token: "[redacted]", request: { headers: { accept: "*/*" } } });
});

test("a secret is taken out of any text by its form, and by its value where it is known", () => {
  const lines: string[] = [];
  const log = createLog("tested", { write: (line) => void lines.push(line) }, ["correct horse battery"]);
  const token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  const cause = Object.assign(new Error(`401 for ${token}`), {
    config: { url: "https://me:hunter22@host/" },
  });
  log.error(
    { error: new Error("correct horse battery", { cause }), deep: [{ said: token }] },
    `asked with ${token}`,
  );
  expect(lines.join()).not.toMatch(/ghp_|hunter22|correct horse/);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    message: "asked with (redacted)",
    error: { message: expect.stringContaining("(redacted)") as string, stack: expect.any(String) as string },
    deep: [{ said: "(redacted)" }],
  });
});

test("whatever is logged is one line, whose fields nothing can forge", () => {
  const lines: string[] = [];
  const log = createLog("tested", { write: (line) => void lines.push(line) });
  const forged = '\n{"severity":"CRITICAL","message":"forged"}\u2028\u001b[2J\u202e","severity":"ERROR';
  log.info({ path: forged, [forged]: 1 }, forged);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trim().split(/[\n\r]/)).toHaveLength(1);
  expect(lines[0]?.trim()).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ severity: "INFO", service: "tested" });
});

test("an error that holds a connection that holds it is written all the same", () => {
  const lines: string[] = [];
  const log = createLog("tested", { write: (line) => void lines.push(line) });
  const socket: Record<string, unknown> = { at: new Date(0), bytes: Buffer.alloc(3) };
  socket["owner"] = socket;
  log.error({ error: Object.assign(new Error("reset"), { socket }) }, "it failed");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    error: { message: "reset", socket: { at: "1970-01-01T00:00:00.000Z", bytes: "(3 bytes)" } },
  });
});
