// Configuration: everything wrong with it is said at once.
import { Type } from "typebox";
import { expect, test } from "vitest";
import { declare } from "../../shared/runtime/config.ts";

const read = declare(
  Type.Object({
    STATE: Type.String({ description: "set it to the state folder." }),
    PORT: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 7420,
      description: "use a port from 0 to 65535.",
    }),
    VERBOSE: Type.Boolean({ default: false }),
    TOKEN: Type.Optional(Type.String({ minLength: 32, description: "use 32 characters or more." })),
  }),
);

test("texts become the declared types, defaults are filled in, other variables are left out", () => {
  expect(read({ STATE: "s", PORT: "80", VERBOSE: "true", PATH: "/bin" })).toEqual({
    STATE: "s",
    PORT: 80,
    VERBOSE: true,
  });
  expect(read({ STATE: "s", PORT: "", TOKEN: " " })).toEqual({ STATE: "s", PORT: 7420, VERBOSE: false });
});

test("the configuration cannot be changed", () => {
  expect(Object.isFrozen(read({ STATE: "s" }))).toBe(true);
});

test("one error lists every problem with its remedy and shows no value", () => {
  let thrown: unknown;
  try {
    read({ PORT: "http", VERBOSE: "maybe", TOKEN: "hunter2" });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "FAILED_PRECONDITION", reason: "CONFIG_INVALID" });
  const { message } = thrown as Error;
  for (const part of [
    "STATE is missing: set it to the state folder.",
    "PORT",
    "use a port from 0",
    "VERBOSE",
    "TOKEN",
    "32 characters",
  ]) {
    expect(message).toContain(part);
  }
  expect(message).not.toMatch(/hunter2|maybe/);
});

test("a variable that holds JSON is told when it does not", () => {
  const read = declare(
    Type.Object({ CLUSTER: Type.String({ format: "json", description: "set it to JSON." }) }),
  );
  expect(read({ CLUSTER: '{"a":1}' })).toEqual({ CLUSTER: '{"a":1}' });
  expect(() => read({ CLUSTER: '{"a":}' })).toThrow(/CLUSTER must match format "json": set it to JSON\./);
});
