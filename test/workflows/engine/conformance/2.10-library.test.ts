import { describe, expect, test } from "vitest";
import { evaluated, problemsOf, resultText, run, tagsOf } from "../support/run-workflow.ts";

const VARIABLES = ["m: {a: {b: 1}, z: 2}", "l: [3, 1]", "n: null", 'e: "😀é"'];

const VALUES: readonly (readonly [mark: string, expression: string, expected: string])[] = [
  ["D 2.10-01", 'int("42")', "42"],
  ["D 2.10-01", 'int("-7")', "-7"],
  ["D 2.10-01", "int(2.9)", "2"],
  ["D 2.10-02", 'double("1.5")', "1.5"],
  ["D 2.10-02", "get_type(double(2))", '"double"'],
  ["D 2.10-03", "string(12)", '"12"'],
  ["D 2.10-03", "string(true)", '"true"'],
  ["D 2.10-03", 'string("x")', '"x"'],
  ["?", "string(1.0)", '"1"'],
  ["D 2.10-04", "len(l)", "2"],
  ["D 2.10-04", "len(m)", "2"],
  ["D 2.10-04", "len(e)", "2"],
  ["?", "keys(m)", '["a","z"]'],
  ["D 2.10-06", "default(1, 2)", "1"],
  ["D 2.10-06", 'default(map.get(m, "q"), "d")', '"d"'],
  ["D 2.10-07", "if(false, 1, 2)", "2"],
  ["D 2.10-08", 'base64.encode(text.encode("hi?"))', '"aGk/"'],
  ["D 2.10-08", 'base64.encode(text.encode("h"), false)', '"aA"'],
  ["D 2.10-09", 'text.decode(base64.decode("aGk/"))', '"hi?"'],
  ["D 2.10-09", 'text.decode(base64.decode("aA", false))', '"h"'],
  ["D 2.10-10", 'base64.encode(hash.compute_checksum(text.encode(""), "MD5"))', '"1B2M2Y8AsgTpgAmY7PhCfg=="'],
  ["D 2.10-10", 'len(base64.encode(hash.compute_checksum(text.encode("a"), "SHA512")))', "88"],
  [
    "?",
    'hash.compute_checksum(text.encode("a"), "SHA-256") == hash.compute_checksum(text.encode("a"), "SHA256")',
    "true",
  ],
  [
    "D 2.10-11",
    'base64.encode(hash.compute_hmac(text.encode("key"), text.encode("The quick brown fox jumps over the lazy dog"), "SHA256"))',
    '"97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="',
  ],
  ["D 2.10-12", 'json.decode("{\\"a\\": [1, 1.0, true, null]}").a', "[1,1,true,null]"],
  ["D 2.10-12", 'get_type(json.decode("1"))', '"integer"'],
  ["D 2.10-12", 'get_type(json.decode("1.0"))', '"double"'],
  ["D 2.10-12", 'get_type(json.decode("1e3"))', '"double"'],
  ["D 2.10-12", 'json.decode(text.encode("[1]"))', "[1]"],
  ["D 2.10-13", "json.encode_to_string(m)", '"{\\"a\\":{\\"b\\":1},\\"z\\":2}"'],
  ["D 2.10-14", "json.encode_to_string([1], true)", '"[\\n    1\\n]"'],
  ["D 2.10-14", 'json.encode_to_string([1], json.decode("{}"))', '"[\\n    1\\n]"'],
  [
    "D 2.10-14",
    'json.encode_to_string([1], json.decode("{\\"prefix\\": \\">\\", \\"indent\\": \\"\\"}"))',
    '"[\\n>1\\n>]"',
  ],
  ["D 2.10-13", "text.decode(json.encode(l))", '"[3,1]"'],
  ["D 2.10-15", "list.concat(l, 9)", "[3,1,9]"],
  ["D 2.10-15", "list.prepend(l, [9])", "[[9],3,1]"],
  ["D 2.10-16", 'map.get(m, "z")', "2"],
  ["D 2.10-16", 'map.get(m, ["a", "b"])', "1"],
  ["D 2.10-16", 'map.get(m, ["q", "b"])', "null"],
  ["D 2.10-16", 'map.get(n, "z")', "null"],
  ["D 2.10-16", 'map.get(m, ["z", "b"])', "null"],
  ["D 2.10-16", 'map.get(5, "b")', "null"],
  ["D 2.10-17", 'map.delete(m, "a")', '{"z":2}'],
  ["D 2.10-17", 'map.delete(m, "q")', '{"a":{"b":1},"z":2}'],
  ["D 2.10-18", 'map.merge(m, json.decode("{\\"a\\": 5}"))', '{"a":5,"z":2}'],
  ["D 2.10-19", 'map.merge_nested(m, json.decode("{\\"a\\": {\\"c\\": 5}}"))', '{"a":{"b":1,"c":5},"z":2}'],
  ["D 2.10-20", "math.abs(-3)", "3"],
  ["D 2.10-20", "math.abs(-3.5)", "3.5"],
  ["D 2.10-20", "math.floor(2.7)", "2"],
  ["D 2.10-20", "get_type(math.floor(2.7))", '"integer"'],
  ["D 2.10-20", "math.max(1, 2.5)", "2.5"],
  ["D 2.10-20", "math.min(1, 2.5)", "1"],
  ["D 2.10-21", 'retry.always("x")', "true"],
  ["D 2.10-21", 'retry.never("x")', "false"],
  [
    "D 2.10-22",
    'http.default_retry_predicate(json.decode("{\\"code\\": 502, \\"tags\\": [\\"HttpError\\"]}"))',
    "true",
  ],
  [
    "D 2.10-22",
    'http.default_retry_predicate_non_idempotent(json.decode("{\\"code\\": 502, \\"tags\\": [\\"HttpError\\"]}"))',
    "false",
  ],
  ["D 2.10-29", 'text.find_all(e + "x" + e, "é")', "[1,4]"],
  ["D 2.10-29", 'text.find_all("aaa", "aa")', "[0]"],
  ["D 2.10-30", 'text.find_all_regex(e + "7", "[0-9]")', '[{"index":2,"match":"7"}]'],
  ["D 2.10-31", 'text.match_regex("xabcx", "b.x?")', "true"],
  ["D 2.10-31", 'text.match_regex("abc", "^b")', "false"],
  ["D 2.10-33", 'text.replace_all("a.b.c", ".", "-")', '"a-b-c"'],
  ["D 2.10-33", 'text.replace_all("a", "a", "$&")', '"$&"'],
  ["D 2.10-33", 'text.replace_all("é😀", "", "-")', '"-é-😀-"'],
  ["R 2.10-34", 'text.replace_all_regex("é😀", "", "-")', '"-é-😀-"'],
  ["R 2.10-34", 'text.replace_all_regex("red, blue", "red|blue", "grey")', '"grey, grey"'],
  ["D 2.10-32", 'text.replace_all_regex("abab", "a|ab", "x")', '"xx"'],
  ["D 2.10-32", 'text.find_all_regex("ab", "a|ab")', '[{"index":0,"match":"ab"}]'],
  [
    "D 2.10-32",
    'text.find_all_regex("upanddown", "up|down")',
    '[{"index":0,"match":"up"},{"index":5,"match":"down"}]',
  ],
  ["?", 'text.find_all("é😀", "")', "[0,1,2]"],
  ["D 2.10-28", 'text.decode(base64.decode("/2E="))', '"\uFFFDa"'],
  ["D 2.10-28", 'base64.encode(text.encode("łA", "ISO-8859-2"))', '"s0E="'],
  ["D 2.10-28", 'text.decode(base64.decode("s0E="), "iso-8859-2")', '"łA"'],
  ["D 2.10-28", 'text.decode(base64.decode("gGE="), "US-ASCII")', '"\uFFFDa"'],
  ["D 2.10-28", 'base64.encode(text.encode("😀", "UTF-16BE"))', '"2D3eAA=="'],
  ["D 2.10-09", 'text.decode(base64.decode("aG\\r\\nk/"))', '"hi?"'],
  ["D 2.10-10", 'len(base64.encode(hash.compute_checksum(text.encode("a"), "SHA224")))', "40"],
  ["D 2.10-40", 'time.format(1720788633, "")', '"2024-07-12T12:50:33.000000Z"'],
  ["D 2.10-40", 'time.format(1720788633, "GMT")', '"2024-07-12T12:50:33.000000Z"'],
  [
    "R 2.10-34",
    'text.replace_all_regex("john smith", "(\\\\w+) (\\\\w+)", "\\\\2, \\\\1 [\\\\0]")',
    '"smith, john [john smith]"',
  ],
  ["D 2.10-35", 'text.split("a,b,,c", ",")', '["a","b","","c"]'],
  ["?", 'text.split("😀é", "")', '["😀","é"]'],
  ["D 2.10-36", 'text.substring("hello", 1, 3)', '"el"'],
  ["D 2.10-36", "text.substring(e, 1, 2)", '"é"'],
  ["D 2.10-37", 'text.to_upper("straé")', '"STRAÉ"'],
  ["?", 'text.to_upper("straße")', '"STRASSE"'],
  ["D 2.10-37", 'text.to_lower("ÀB")', '"àb"'],
  ["D 2.10-38", `text.url_encode("é!'()*~-._")`, '"%C3%A9%21%27%28%29%2A~-._"'],
  ["D 2.10-39", 'text.url_encode_plus("a b+c&é")', '"a+b%2Bc%26%C3%A9"'],
  ["D 2.10-39", 'text.url_decode("a+b%2Bc%26%C3%A9%20")', '"a b+c&é "'],
  ["D 2.10-40", "time.format(0)", '"1970-01-01T00:00:00.000000Z"'],
  ["D 2.10-40", "time.format(1720788633.25)", '"2024-07-12T12:50:33.250000Z"'],
  ["D 2.10-40", 'time.format(1720788633, "America/New_York")', '"2024-07-12T08:50:33.000000-04:00"'],
  ["D 2.10-41", 'time.parse("2024-05-08T14:01:00.5+02:00")', "1715169660.5"],
];

describe("2.10 values", () => {
  test.each(VALUES)("[%s] %s is %s", async (_, expression, expected) => {
    expect(await evaluated(expression, VARIABLES)).toBe(expected);
  });
});

const ERRORS: readonly (readonly [mark: string, expression: string, tag: string])[] = [
  ["D 2.10-43", 'int("x")', "ValueError"],
  ["D 2.10-43", 'int("1.5")', "ValueError"],
  ["D 2.10-43", "int(n)", "TypeError"],
  ["D 2.10-43", "int(l)", "TypeError"],
  ["D 2.10-43", 'double("x")', "ValueError"],
  ["D 2.10-43", "string(m)", "TypeError"],
  ["D 2.10-43", "string(l)", "TypeError"],
  ["D 2.10-43", "string(n)", "TypeError"],
  ["D 2.10-43", "len(1)", "TypeError"],
  ["D 2.10-43", "keys(l)", "TypeError"],
  ["D 2.10-43", "if(1, 2, 3)", "TypeError"],
  ["D 2.10-43", 'base64.encode("text")', "TypeError"],
  ["D 2.10-43", 'base64.decode("a")', "ValueError"],
  ["D 2.10-43", 'base64.decode("****")', "ValueError"],
  ["D 2.10-43", 'hash.compute_checksum(text.encode("a"), "CRC")', "ValueError"],
  ["D 2.10-43", 'hash.compute_checksum("a", "MD5")', "TypeError"],
  ["D 2.10-43", 'json.decode("{")', "ValueError"],
  ["D 2.10-43", 'json.decode("01")', "ValueError"],
  ["D 2.10-43", "json.decode(1)", "TypeError"],
  ["D 2.10-43", "json.encode_to_string(text.encode(string(1)))", "ValueError"],
  ["D 2.10-43", "list.concat(1, 2)", "TypeError"],
  ["D 2.10-43", "map.delete(m, 1)", "TypeError"],
  ["D 2.10-43", "map.get(m, 1)", "TypeError"],
  ["D 2.10-43", 'sys.get_env("NOPE", 1)', "TypeError"],
  ["D 2.10-43", 'text.encode("ş", "ISO-8859-1")', "ValueError"],
  ["D 2.10-43", 'text.encode("a", "EBCDIC-XYZ")', "ValueError"],
  ["D 2.10-43", 'text.decode(base64.decode("YQ=="), "EBCDIC-XYZ")', "ValueError"],
  ["D 2.10-43", "map.merge(m, l)", "TypeError"],
  ["D 2.10-43", 'math.abs("1")', "TypeError"],
  ["D 2.10-43", 'text.match_regex("a", "(")', "ValueError"],
  ["D 2.10-43", 'text.match_regex("a", "(a)\\\\1")', "ValueError"],
  ["D 2.10-43", "text.split(1, 2)", "TypeError"],
  ["?", 'text.substring("abc", 2, 4)', "ValueError"],
  ["?", 'text.substring("abc", -1, 2)', "ValueError"],
  ["D 2.10-43", 'text.url_decode("%e9")', "ValueError"],
  ["D 2.10-43", 'time.format("x")', "TypeError"],
  ["D 2.10-43", 'time.format(1, "Mars/Base")', "ValueError"],
  ["D 2.10-43", 'time.parse("2024-05-08")', "ValueError"],
  ["D 2.10-43", 'time.parse("2024-13-08T00:00:00Z")', "ValueError"],
  ["?", 'sys.get_env("NOPE")', "KeyError"],
];

describe("2.10 errors", () => {
  test.each(ERRORS)("[%s] %s raises %s", async (_, expression, tag) => {
    expect(JSON.parse(await tagsOf(expression, VARIABLES))).toContain(tag);
  });
});

describe("2.10 system, uuid and names", () => {
  test("[D 2.10-44] there is no type(), bool() or math.pow", () => {
    for (const name of ["type", "bool", "math.pow", "list.map"])
      expect(problemsOf(`- a:\n    return: \${${name}(1)}\n`)).toEqual(["unknown-function"]);
  });
  test("[D 2.10-25] sys.now is a double of the virtual clock, and sleeps move it", async () => {
    const source =
      "- a:\n    assign: [{t: '${sys.now()}'}]\n- s:\n    call: sys.sleep\n    args: {seconds: 1.5}\n- b:\n    return: ['${sys.now() - t}', '${get_type(t)}']\n";
    expect(await resultText(source)).toBe('[1.5,"double"]');
  });
  test("[D 2.10-26] sys.sleep accepts a year and no more, and nothing negative", async () => {
    expect((await run("- s:\n    call: sys.sleep\n    args: {seconds: 31536000}\n")).seconds).toBe(
      31_536_000,
    );
    for (const seconds of ["31536001", "-1"])
      expect(await resultText(`- s:\n    call: sys.sleep\n    args: {seconds: ${seconds}}\n`)).toContain(
        "ValueError",
      );
  });
  test("[D 2.10-27] sys.sleep_until waits for a time, and returns at once for a past one", async () => {
    expect(
      (await run('- s:\n    call: sys.sleep_until\n    args: {time: "1970-01-01T00:01:00Z"}\n')).seconds,
    ).toBe(60);
    expect(
      (await run('- s:\n    call: sys.sleep_until\n    args: {time: "1960-01-01T00:00:00Z"}\n')).seconds,
    ).toBe(0);
  });
  test("[D 2.10-24] sys.log takes exactly one of data, text and json; a map is structured unless it comes as text", async () => {
    const { driver } = await run(
      "- a:\n    call: sys.log\n    args: {text: {k: 1}, severity: INFO}\n- b:\n    call: sys.log\n    args: {json: {k: 1}, severity: ERROR}\n- c:\n    call: sys.log\n    args: {data: [1, 2]}\n- d:\n    call: sys.log\n    args: {data: {k: 1}}\n",
    );
    expect(driver.logs).toEqual(['INFO {"k":1}', 'ERROR {"k":1}', "DEFAULT [1,2]", 'DEFAULT {"k":1}']);
    expect(driver.requests.map((request) => (request.kind === "log" ? request.format : ""))).toEqual([
      "text",
      "json",
      "text",
      "json",
    ]);
  });
  test.each([
    ["two payloads", "{text: a, json: {b: 1}}"],
    ["no payload", "{severity: INFO}"],
    ["null as data", "{data: null}"],
    ["a list as json", "{json: [1]}"],
    ["bytes as text", "{text: '${text.encode(\"a\")}'}"],
  ])("[D 2.10-24] sys.log refuses %s with TypeError", async (_, args) => {
    expect(await resultText(`- a:\n    call: sys.log\n    args: ${args}\n`)).toContain(
      '"tags":["TypeError"]',
    );
  });
  test("[D 2.10-24] sys.log refuses an unknown severity with ValueError", async () =>
    expect(await resultText("- a:\n    call: sys.log\n    args: {text: a, severity: LOUD}\n")).toContain(
      "ValueError",
    ));
  test("[D 2.10-42] uuid.generate gives version 4 ids, the same for the same seed and different otherwise", async () => {
    const source = "- a:\n    return: ['${uuid.generate()}', '${uuid.generate()}']\n";
    const [first, second] = JSON.parse(await resultText(source, { seed: "a" })) as [string, string];
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second).not.toBe(first);
    expect(JSON.parse(await resultText(source, { seed: "a" }))).toEqual([first, second]);
    expect(await resultText(source, { seed: "b" })).not.toContain(first);
  });
  test("[S 2.17-06] sys.get_env may be called as a step", async () => {
    expect(
      await resultText(
        "- a:\n    call: sys.get_env\n    args: {name: GOOGLE_CLOUD_LOCATION}\n    result: r\n- d:\n    return: ${r + sys.get_env('X', '!')}\n",
        { env: { GOOGLE_CLOUD_LOCATION: "here" } },
      ),
    ).toBe('"here!"');
  });
});
