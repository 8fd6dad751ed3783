// What Google's clients throw is told in our words, with the right retry class and without secrets.
import { expect, test } from "vitest";
import { ControlPlaneError, isTransient } from "../../../shared/domain/errors.ts";
import {
  google,
  GOOGLE_MESSAGE_CHARACTERS_MAX,
  googleCode,
  googleError,
} from "../../../shared/adapters/google/errors.ts";

const thrown = (fields: object, message = "said"): Error => Object.assign(new Error(message), fields);

test.each([
  [1, "UNAVAILABLE", true],
  [2, "INTERNAL", true],
  [3, "INVALID_ARGUMENT", false],
  [4, "DEADLINE_EXCEEDED", true],
  [5, "NOT_FOUND", false],
  [6, "ALREADY_EXISTS", false],
  [7, "PERMISSION_DENIED", false],
  [8, "RESOURCE_EXHAUSTED", true],
  [9, "FAILED_PRECONDITION", false],
  [10, "ABORTED", true],
  [11, "INVALID_ARGUMENT", false],
  [12, "UNIMPLEMENTED", false],
  [13, "INTERNAL", true],
  [14, "UNAVAILABLE", true],
  [15, "INTERNAL", true],
  // The identity that is refused is ours: whoever asked us did nothing wrong.
  [16, "UNAVAILABLE", true],
] as const)("gRPC status %i is %s", (code, ours, again) => {
  const error = googleError("Reading it", "things/a", thrown({ code, details: "said" }));
  expect([error.code, isTransient(error), error.metadata["resource"]]).toEqual([ours, again, "things/a"]);
});

test.each([
  [{ code: 403 }, "PERMISSION_DENIED"],
  [{ code: 404 }, "NOT_FOUND"],
  [{ status: 412 }, "FAILED_PRECONDITION"],
  [{ response: { status: 429 } }, "RESOURCE_EXHAUSTED"],
  [{ code: "503" }, "UNAVAILABLE"],
  [{ code: 418 }, "INVALID_ARGUMENT"],
  [{ code: 599 }, "INTERNAL"],
  [{ code: 409 }, "ABORTED"],
  [{ code: 409, response: { data: { error: { status: "ALREADY_EXISTS" } } } }, "ALREADY_EXISTS"],
  [{ code: 403, errors: [{ reason: "forbidden" }] }, "PERMISSION_DENIED"],
  [{ code: 403, errors: [{ reason: "rateLimitExceeded" }] }, "RESOURCE_EXHAUSTED"],
  [
    {
      response: {
        status: 403,
        data: { error: { code: 403, errors: [{ reason: "userRateLimitExceeded" }] } },
      },
    },
    "RESOURCE_EXHAUSTED",
  ],
  [{ code: 403, errors: [null, "rateLimitExceeded"] }, "PERMISSION_DENIED"],
  [{ code: "PERMISSION_DENIED" }, "PERMISSION_DENIED"],
  [{ code: "ECONNREFUSED" }, "UNAVAILABLE"],
  [{ code: "ENOTFOUND" }, "UNAVAILABLE"],
  [{ code: "EAI_AGAIN" }, "UNAVAILABLE"],
  [{ code: "UND_ERR_SOCKET" }, "UNAVAILABLE"],
  [{ code: "ETIMEDOUT" }, "DEADLINE_EXCEEDED"],
  [{ name: "AbortError" }, "DEADLINE_EXCEEDED"],
] as const)("%j is %s", (fields, ours) => {
  expect(googleCode(thrown(fields))).toBe(ours);
});

test.each([
  [new TypeError("x is not a function")],
  ["text"],
  [undefined],
  [null],
  [{ code: 0 }],
  [{ code: "constructor" }],
])("%s is none of Google's, so it is a defect that is given again", (error) => {
  expect(googleCode(error)).toBeUndefined();
  const ours = googleError("Reading it", "things/a", error);
  expect([ours.code, ours.reason, isTransient(ours)]).toEqual(["INTERNAL", "GOOGLE_CLIENT_DEFECT", true]);
});

test("says what was done, what was said and what to do, and hides tokens and headers", () => {
  const token = `ya29.${"a".repeat(40)}`;
  const error = googleError(
    "Reading it",
    "things/a",
    thrown(
      { code: 7, config: { headers: { authorization: `Bearer ${token}` } } },
      `no, ${token}, ${"x".repeat(2_000)}`,
    ),
  );
  expect(error.message).toContain("Reading it failed (PERMISSION_DENIED): no, (redacted)");
  expect(error.message).toContain("Grant the service account");
  expect(error.message.length).toBeLessThan(GOOGLE_MESSAGE_CHARACTERS_MAX + 300);
  expect(JSON.stringify([error, error.message, error.metadata, error.cause, error.stack])).not.toContain(
    token,
  );
});

test("our own errors pass as they are, and answers too", async () => {
  const own = new ControlPlaneError("ABORTED", "moved", { reason: "MOVED" });
  await expect(google("Reading it", "a", () => Promise.reject(own))).rejects.toBe(own);
  await expect(google("Reading it", "a", () => Promise.reject(thrown({ code: 14 })))).rejects.toMatchObject({
    code: "UNAVAILABLE",
    reason: "GOOGLE_UNAVAILABLE",
  });
  expect(await google("Reading it", "a", async () => 1)).toBe(1);
});
