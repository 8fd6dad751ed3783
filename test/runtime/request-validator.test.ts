// Path and query are text: read as what the schema asks for, and as nothing else.
import { Type } from "typebox";
import { describe, expect, test } from "vitest";
import { compileValidator } from "../../shared/runtime/request-validator.ts";

const schema = Type.Object(
  {
    size: Type.Optional(Type.Integer({ minimum: 0 })),
    share: Type.Optional(Type.Number()),
    only: Type.Optional(Type.Boolean()),
    type: Type.Optional(Type.Array(Type.String())),
    name: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
const query = compileValidator({ schema, httpPart: "querystring" });
const body = compileValidator({ schema, httpPart: "body" });

describe("a query", () => {
  test.each([
    [{ size: "12" }, { size: 12 }],
    [{ share: "0.25" }, { share: 0.25 }],
    [{ only: "true" }, { only: true }],
    [{ type: "plan.finished" }, { type: ["plan.finished"] }],
    [{ type: ["a", "b"] }, { type: ["a", "b"] }],
    [{ name: "12" }, { name: "12" }],
  ])("%j is read as %j", (given, read) => {
    expect(query(given)).toEqual({ value: read });
  });

  test.each([
    { size: "true" },
    { size: "" },
    { size: "1.5" },
    { size: "0x10" },
    { size: "1e3" },
    { size: " 1" },
    { size: "-1" },
    { size: ["1", "2"] },
    { share: "Infinity" },
    { only: "1" },
    { only: "TRUE" },
    { name: ["a", "b"] },
    { other: "1" },
    { __proto__x: "1" },
  ])("%j is refused", (given) => {
    expect(query(given)).toHaveProperty("error");
  });
});

test("a body is taken as it is: text is no number there", () => {
  expect(body({ size: 1 })).toEqual({ value: { size: 1 } });
  expect(body({ size: "1" })).toHaveProperty("error");
  expect(body({ type: "one" })).toHaveProperty("error");
});
