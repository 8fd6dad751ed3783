// JSON that no two readers can read differently.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_DEPTH_MAX, parseStrictJson } from "../../shared/domain/strict-json.ts";

const refused = (source: string | Uint8Array, reason: string, message: RegExp = /./) =>
  expect(() => parseStrictJson(source), String(source).slice(0, 60)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", reason, message: expect.stringMatching(message) }),
  );

describe("strict JSON", () => {
  test("reads whatever JSON can say, as JSON.parse does", () => {
    const safe = fc
      .jsonValue({ depthSize: "small" })
      .filter((value) => !/"(__proto__|constructor)":/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(safe, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
        expect(parseStrictJson(new TextEncoder().encode(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("refuses doubled keys in any object and in any spelling, with the position", () => {
    refused('{"a":1,"a":1}', "KEY_TWICE", /line 1, column 8: the key "a"/);
    refused('[{"b":{}},\n {"a":[1,{"x":2}],"b":3,"\\u0061":4}]', "KEY_TWICE", /line 2, column 25/);
    expect(parseStrictJson('[{"a":1},{"a":"a"},{"b":{"a":{"b":"b"}}}]')).toHaveLength(3);
  });

  test("refuses keys that reach a prototype, in any spelling and at any depth", () => {
    for (const key of ["__proto__", "constructor", "\\u005f_proto__", "c\\u006fnstructor"]) {
      refused(`{"a":[{"b":{"${key}":{"admin":true}}}]}`, "KEY_FORBIDDEN", /line 1, column 13/);
    }
    expect(parseStrictJson('{"a":"__proto__","b":["constructor"]}')).toEqual({
      a: "__proto__",
      b: ["constructor"],
    });
  });

  test("is not confused by brackets, commas and quotes inside strings", () => {
    const text = '{"a":"{\\"a\\":1,[","b\\\\":"}","c":",\\"c\\":"}';
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  test("refuses nesting beyond its depth, and stands a hundred thousand brackets", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(parseStrictJson(nested(JSON_DEPTH_MAX))).toBeInstanceOf(Array);
    refused(nested(JSON_DEPTH_MAX + 1), "TOO_DEEP", /column 65/);
    refused(nested(100_000), "TOO_DEEP");
  });

  test("refuses what is no JSON, without quoting it", () => {
    for (const text of [
      "",
      " ",
      "{",
      "{'a':1}",
      '{"a":1,}',
      "[1,]",
      "NaN",
      "01",
      '"\n"',
      "hunter2",
      '{"a":1} x',
    ]) {
      refused(text, "NOT_JSON", /^(?!.*hunter2)/);
    }
  });

  test("refuses bytes that are not UTF-8, and a byte order mark", () => {
    refused(Uint8Array.of(0x22, 0xff, 0x22), "NOT_UTF8");
    refused(Uint8Array.of(0xed, 0xa0, 0x80), "NOT_UTF8");
    refused(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), "NOT_JSON");
  });
});
