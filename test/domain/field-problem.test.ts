// What a refusal says about the one field that is wrong.
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { requireSchema } from "../../shared/domain/field-problem.ts";
import { RunRequested } from "../../shared/domain/outside-events.ts";
import { toControlPlaneError } from "../../shared/runtime/errors.ts";

const strict = { additionalProperties: false };

function refusal(check: () => void) {
  try {
    check();
  } catch (error) {
    const { field, message } = toControlPlaneError(error);
    return { field, message };
  }
  return undefined;
}

describe("a field that nobody knows", () => {
  it.each(["\u009d", "\u001b]0;x", "\u0000", "\u0090\n"])("is named although its name is %j", (name) => {
    const found = refusal(() => requireSchema(Type.Object({}, strict), { [name]: 1 }, ""));
    expect(found?.message).toMatch(/^\\u00.*is not a field that is known here/);
    expect(found?.message).not.toMatch(/\p{Cc}/u);
  });
});

describe("the entrypoint of a run", () => {
  const ask = (entrypoint: string) =>
    refusal(() => requireSchema(RunRequested, { entrypoint, outputUri: "file:///out" }, "data"));

  it.each(["", " \n", "a\u0000b", "\u0000"])("is refused by what the API says of it: %j", (entrypoint) =>
    expect(ask(entrypoint)?.field).toBe("data.entrypoint"),
  );

  it.each(["python process.py", " a\nb\n", "\u0001"])("is a command line: %j", (entrypoint) =>
    expect(ask(entrypoint)).toBeUndefined(),
  );

  it("is read at once, however long it is", () => {
    const started = performance.now();
    for (const entrypoint of [" ".repeat(8_192), `${"a".repeat(8_191)}\u0000`]) ask(entrypoint);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe("an input of a run", () => {
  const ask = (input: unknown) =>
    refusal(() =>
      requireSchema(RunRequested, { entrypoint: "true", outputUri: "file:///out", inputs: [input] }, "data"),
    );

  it("is a dataset version, or a URI with its digest", () => {
    expect(ask({ datasetVersion: "teams/a/datasets/b/versions/1" })).toBeUndefined();
    expect(ask({ uri: "file:///in", digest: "sha256:00" })).toBeUndefined();
  });

  it.each([
    [{}, "either add datasetVersion, or add uri and digest"],
    [{ uri: "file:///in" }, "either add datasetVersion and leave out uri, or add digest"],
    [
      { datasetVersion: "teams/a/datasets/b/versions/1", uri: "file:///in", digest: "sha256:00" },
      "either leave out uri and digest, or leave out datasetVersion",
    ],
  ])("of no known form is refused with what to do about it: %j", (input, remedy) => {
    expect(ask(input)).toEqual({
      field: "data.inputs[0]",
      message: `data.inputs[0] has none of the forms that are known here: ${remedy}.`,
    });
  });
});
