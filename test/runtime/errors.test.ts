// The answers that errors become.
import { expect, test } from "vitest";
import {
  ControlPlaneError,
  ERROR_CODES,
  type ErrorCode,
  invalidArgument,
} from "../../shared/domain/errors.ts";
import { errorAnswer, HttpError } from "../../shared/runtime/errors.ts";

test.each(Object.keys(ERROR_CODES) as ErrorCode[])(
  "%s becomes its HTTP status and says reason and domain",
  (code) => {
    const { status, body } = errorAnswer(
      new ControlPlaneError(code, "It happened.", { reason: "IT_HAPPENED" }),
      "r-1",
      "caller",
    );
    expect(status).toBe(ERROR_CODES[code].http);
    expect(body.error).toMatchObject({
      code: status,
      status: code,
      details: [{ reason: "IT_HAPPENED", domain: "signalbox.dev" }, { requestId: "r-1" }],
    });
  },
);

test("a field becomes a field violation", () => {
  const { body } = errorAnswer(invalidArgument("data.model", "data.model is missing: add it."), "r-1");
  expect(body.error.details).toContainEqual({
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: [{ field: "data.model", description: "data.model is missing: add it." }],
  });
});

test("an outage is explained to a caller whom we know and to nobody else", () => {
  const outage = new ControlPlaneError("UNAVAILABLE", "/var/secret/ledger.db is locked", {
    reason: "DATABASE_UNAVAILABLE",
    metadata: { path: "/var/secret" },
  });
  expect(JSON.stringify(errorAnswer(outage, "r-1", "anyone"))).not.toContain("secret");
  expect(errorAnswer(outage, "r-1", "caller").body.error.message).toContain("ledger.db is locked");
  expect(errorAnswer(outage, "r-1", "anyone").headers).toEqual({ "retry-after": "1" });
});

test("whatever is thrown that is not ours is a defect without its insides", () => {
  for (const thrown of [
    new TypeError("x is undefined at /home/me"),
    "text",
    null,
    undefined,
    { statusCode: 400, message: "fake" },
  ]) {
    const answer = errorAnswer(thrown, "r-9", "caller");
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).not.toMatch(/undefined|home|fake/);
  }
});

test("refusals of the HTTP layer keep their status and headers", () => {
  const answer = errorAnswer(
    new HttpError(405, "INVALID_ARGUMENT", "Use GET.", "METHOD_NOT_ALLOWED", { allow: "GET" }),
    "r-1",
  );
  expect([answer.status, answer.headers, answer.body.error.code]).toEqual([405, { allow: "GET" }, 405]);
});
