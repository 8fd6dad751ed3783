// Bodies that are JSON in name only, or that mean two things, at every door that reads a body.
import { describe, expect, test } from "vitest";
import { attacked, expectUnharmed, VICTIM } from "./attacked.ts";

const ATTACK_MS = 30_000;
const door = attacked();
const { as, send, post } = door;
const RESUME = `/v1/${VICTIM}:resume`;
const RUNS = "/v1/teams/default/runs?runId=r1";
const JSON_TYPE = ["content-type", "application/json"] as const;
const EVENT_TYPE = ["content-type", "application/cloudevents+json"] as const;

const event = (data: string, more = ""): string =>
  `{"specversion":"1.0","id":"e1","source":"//x","type":"dev.signalbox.model-version.registered.v1","datacontenttype":"application/json"${more},"data":${data}}`;
const version = (more: string): string =>
  `{"model":"ranker","version":"1","artifact":{"uri":"file:///x","digest":"sha256:${"0".repeat(64)}"},"endpoint":"${VICTIM}"${more}}`;
const run = (more: string): string => `{"entrypoint":"x","outputUri":"file:///x","inputs":[]${more}}`;

/** Every door that reads JSON, around one member of an object. */
const DOORS: readonly (readonly [name: string, ask: (member: string) => ReturnType<typeof send>])[] = [
  ["resume", (member) => post(RESUME, `{"reason":"x",${member}}`, "grace")],
  ["rollback", (member) => post(`/v1/${VICTIM}:rollback`, `{"reason":"x",${member}}`, "ada")],
  ["runs", (member) => post(RUNS, run(`,${member}`), "ada")],
  ["events", (member) => send("POST", "/v1/events", [as("ada"), EVENT_TYPE], event(version(`,${member}`)))],
  [
    "events' own members",
    (member) => send("POST", "/v1/events", [as("ada"), EVENT_TYPE], event(version(""), `,${member}`)),
  ],
];

const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe.each(DOORS)("the door of %s", { timeout: ATTACK_MS }, (_name, ask) => {
  test.each<[string, () => string]>([
    ["row 38: depth 1,000", () => `"a":${deep(1_000)}`],
    ["row 38: depth 100,000", () => `"a":${deep(100_000)}`],
    ["row 38: depth 100,000 of objects", () => `"a":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["row 38: a hundred thousand keys", () => Array.from({ length: 80_000 }, (_, n) => `"k${n}":1`).join()],
    ["row 38: a long array", () => `"a":[${"1,".repeat(400_000)}1]`],
    ["row 39: a doubled key", () => '"dup":1,"dup":2'],
    ["row 39: a key doubled in an inner object", () => '"in":{"dup":1,"dup":2}'],
    ["row 39: a key doubled in another spelling", () => '"in":{"a":1,"\\u0061":2}'],
    ["row 40: __proto__", () => '"__proto__":{"role":"admin"}'],
    ["row 40: __proto__ inside", () => '"in":{"__proto__":{"role":"admin"}}'],
    ["row 40: __proto__ in another spelling", () => '"in":{"\\u005f_proto__":{"role":"admin"}}'],
    ["row 40: constructor.prototype", () => '"constructor":{"prototype":{"role":"admin"}}'],
    ["row 41: a number beyond all", () => '"n":1e400'],
    ["row 41: a hexadecimal number", () => '"n":0x10'],
    ["row 41: NaN", () => '"n":NaN'],
    ["row 41: a number of a hundred thousand digits", () => `"n":${"9".repeat(100_000)}`],
    ["row 42: half of a surrogate pair", () => '"s":"\\ud800"'],
    ["row 42: NUL in a text", () => '"s":"a\\u0000b"'],
    ["row 37: a comment", () => '/* */"a":1'],
    ["row 37: a trailing comma", () => '"a":1,'],
    [
      "row 62: members that are ours to write",
      () => '"state":"PROMOTED","epoch":9,"actor":"root","role":"admin","createdBy":"root"',
    ],
  ])("%s is 400, and nothing happens", async (_row, member) => {
    const before = await door.facts();
    const answer = await ask(member());
    expect([answer.status, answer.text.slice(0, 300)]).toEqual([400, expect.any(String) as string]);
    expect(answer.text.length).toBeLessThan(5_000);
    expect(await door.facts()).toBe(before);
  });
});

test.each<[string, string | Buffer]>([
  ["row 37: nothing", ""],
  ["row 37: a byte order mark", '\uFEFF{"reason":"x"}'],
  ["row 37: two documents", '{"reason":"x"}{"reason":"y"}'],
  ["row 37: a list", "[]"],
  ["row 37: a text", '"x"'],
  ["row 37: null", "null"],
  ["row 42: bytes that are not UTF-8", Buffer.from('{"reason":"\xff"}', "latin1")],
  ["row 42: an overlong encoding", Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
  ["row 41: a number where a text belongs", '{"reason":1}'],
])("a body of %s is 400", async (_row, body) => {
  const answer = await send("POST", RESUME, [as("grace"), JSON_TYPE], body);
  expect(answer.status).toBe(400);
  await expectUnharmed(door);
});

test(
  "row 37: a delivery of them is taken once its signature is right, settled, and has no effect",
  { timeout: ATTACK_MS },
  async () => {
    for (const body of ["[]", "{", '{"ref":1,"ref":2}', '{"__proto__":{}}', deep(100_000), '"x"', "1e400"]) {
      expect((await door.deliver(body)).status).toBe(202);
    }
    await expect
      .poll(async () =>
        (await door.at().adapters.receipts.list(50)).every(({ outcome }) => outcome !== undefined),
      )
      .toBe(true);
    const { facts } = await door.at().adapters.ledger.list({ limit: 1_000, order: "oldest-first" });
    expect(facts.filter(({ subject }) => !subject.startsWith("deliveries/"))).toEqual([]);
    await expectUnharmed(door);
  },
);

test.each([
  ["row 41: a size of pages of 2^53+1", "/v1/facts?pageSize=9007199254740993"],
  ["row 41: of 1e3", "/v1/facts?pageSize=1e3x"],
  ["row 41: of less than nothing", "/v1/facts?pageSize=-1"],
  ["row 41: of NaN", "/v1/facts?pageSize=NaN"],
  ["row 57: a token of pages that we did not make", "/v1/facts?pageToken=eyJhIjoxfQ.AAAA"],
  ["row 57: a subject with a quote", "/v1/facts?subject=%27%20OR%201%3D1%20--"],
  ["row 45: a text that makes regular expressions slow", `/v1/facts?subject=${"a".repeat(8_000)}!`],
  ["row 39: an argument twice", "/v1/facts?pageSize=1&pageSize=2"],
  ["row 62: an argument that nobody knows", "/v1/facts?role=admin"],
])("a question with %s is answered without a defect", async (_row, path) => {
  const answer = await send("GET", path, [as("admin")]);
  expect([200, 400]).toContain(answer.status);
  await expectUnharmed(door);
});

test.each([
  ["text/plain", 415],
  ["application/x-www-form-urlencoded", 415],
  ["multipart/form-data; boundary=x", 415],
  ["application/json; charset=utf-7", 415],
  ["application/xml", 415],
  ["", 415],
])("row 35: a body of the type %j is refused at every door", async (type, status) => {
  for (const path of [RESUME, RUNS, "/v1/events", `/v1/${VICTIM}:rollback`]) {
    const headers = type === "" ? [as("admin")] : [as("admin"), ["content-type", type] as const];
    expect([path, (await send("POST", path, headers, '{"reason":"x"}')).status]).toEqual([path, status]);
  }
});
