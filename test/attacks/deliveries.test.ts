// Deliveries that are not what they say, through the composed door: nothing is stored, nothing happens, nothing is told.
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { createDemoPlatform, type DemoPlatform, REPOSITORY } from "../support/demo-platform.ts";
import { pushDelivery } from "../../scripts/tour/github-delivery.ts";
import { until } from "../support/until.ts";
import { attacked, expectUnharmed } from "./attacked.ts";

const door = attacked();
const { at, deliver, signed } = door;
const ONE_BYTE = 1;

let platform: DemoPlatform;
let body: string;
beforeAll(async () => {
  const { state, api, url, keys } = at();
  platform = await createDemoPlatform({
    state: state.root,
    api,
    url: () => url,
    webhookSecret: keys.webhookSecret,
  });
  const head = await platform.clone.git("rev-parse", "HEAD");
  body = JSON.stringify(pushDelivery(REPOSITORY, "1".repeat(40), head, "ada").payload);
});

const right = (): string => signed(body);
/** Facts of everything but deliveries: what happened because of one. */
const effects = async (): Promise<number> =>
  (await at().adapters.ledger.list({ limit: 1_000, order: "oldest-first" })).facts.filter(
    ({ subject }) => !subject.startsWith("deliveries/"),
  ).length;
const workedOn = (guid: string) =>
  until("the delivery is worked on", async () =>
    (await at().adapters.ledger.read(`deliveries/${guid}`)).version > 0 ? true : undefined,
  );

test.each<[string, () => readonly string[]]>([
  ["row 1: a forged signature", () => [`sha256=${"0".repeat(64)}`]],
  ["row 2: no signature", () => []],
  ["row 3: only SHA-1", () => [`sha1=${"0".repeat(40)}`]],
  ["row 4: the right one in upper case", () => [`sha256=${right().slice(7).toUpperCase()}`]],
  ["row 4: an upper-case prefix", () => [right().replace("sha256", "SHA256")]],
  ["row 5: a truncated one", () => [right().slice(0, -1)]],
  ["row 5: 65 digits", () => [`${right()}0`]],
  ["row 5: what is not hexadecimal", () => [`sha256=${"g".repeat(64)}`]],
  ["row 5: 10 KB", () => [`sha256=${"a".repeat(10_000)}`]],
  ["row 6: two, the first right", () => [right(), signed(body, "guessed")]],
  ["row 6: two, the second right", () => [signed(body, "guessed"), right()]],
  ["row 7: that of a body with one byte more", () => [signed(`${body} `)]],
  [
    "row 7: that of the same JSON written otherwise",
    () => [signed(JSON.stringify(JSON.parse(body), null, ONE_BYTE))],
  ],
  ["row 8: that of another secret", () => [signed(body, "another-secret")]],
])("%s is 401, and leaves nothing behind", async (_row, signatures) => {
  const [facts, receipts] = [await door.facts(), await door.receipts()];
  const answer = await deliver(body, { signatures: signatures() });
  expect(answer.status).toBe(401);
  expect(answer.reason).toMatch(/^SIGNATURE_(MISSING|WRONG)$/);
  expect(answer.text).not.toContain(right().slice(7));
  expect([await door.facts(), await door.receipts()]).toEqual([facts, receipts]);
  expect(at().log()).not.toContain(right().slice(7));
});

test("row 9: the previous secret is taken while it is configured, and its use is logged; afterwards it is 401", async () => {
  const path = at().state.path("secrets", "github-webhook.previous");
  const signatures = [signed("{}", "the-secret-before")];
  expect((await deliver("{}", { event: "ping", signatures })).status).toBe(401);
  writeFileSync(path, "the-secret-before\n", { mode: 0o600 });
  expect((await deliver("{}", { event: "ping", signatures })).status).toBe(202);
  expect(at().log()).toContain("signed with the previous secret");
  rmSync(path);
  expect((await deliver("{}", { event: "ping", signatures })).status).toBe(401);
});

test("row 10: an empty secret lets nobody in", async () => {
  const path = at().state.path("secrets", "github-webhook");
  const { webhookSecret } = at().keys;
  writeFileSync(path, "\n", { mode: 0o600 });
  try {
    const receipts = await door.receipts();
    for (const secret of ["", "\n", webhookSecret])
      expect((await deliver("{}", { signatures: [signed("{}", secret)] })).status).toBeGreaterThanOrEqual(
        400,
      );
    expect(await door.receipts()).toBe(receipts);
  } finally {
    writeFileSync(path, `${webhookSecret}\n`, { mode: 0o600 });
  }
});

describe("a signed delivery", () => {
  test("rows 12 and 13: replayed under its id or a new one is known, and has no new effect", async () => {
    const guid = randomUUID();
    const text = body.replace(`"before":"${"1".repeat(40)}"`, `"before":"${"2".repeat(40)}"`);
    expect((await deliver(text, { guid })).status).toBe(202);
    await workedOn(guid);
    await at().adapters.pump.idle();
    const before = await door.facts();
    for (const again of [guid, randomUUID(), randomUUID()]) {
      const answer = await deliver(text, { guid: again });
      expect(JSON.parse(answer.text)).toEqual({ name: `deliveries/${guid}`, duplicate: true });
    }
    await at().adapters.pump.idle();
    expect(await door.facts()).toBe(before);
  });

  test("row 14: of one event presented as another has no effect", async () => {
    const issue = JSON.stringify({ action: "opened", issue: { number: 1 }, repository: { id: 1 } });
    const before = await effects();
    for (const event of ["push", "pull_request"]) {
      const guid = randomUUID();
      expect((await deliver(issue.replace("1}", `${event.length}}`), { event, guid })).status).toBe(202);
      await until("it is settled", async () =>
        (await at().adapters.receipts.list(50)).find(
          (receipt) => receipt.guid === guid && receipt.outcome !== undefined,
        ),
      );
    }
    expect(await effects()).toBe(before);
  });

  test("row 16: of a repository that nobody has set up is answered like any other, and has no effect", async () => {
    const before = await effects();
    const guid = randomUUID();
    const elsewhere = body.replaceAll("acme/platform", "acme/elsewhere").replaceAll("7420", "7421");
    const answer = await deliver(elsewhere, { guid });
    expect(answer.status).toBe(202);
    expect(JSON.parse(answer.text)).toEqual({ name: `deliveries/${guid}`, duplicate: false });
    await workedOn(guid);
    await at().adapters.pump.idle();
    expect(await effects()).toBe(before);
  });

  test("row 71: fifty times at once is one delivery", async () => {
    const text = body.replace(`"before":"${"1".repeat(40)}"`, `"before":"${"3".repeat(40)}"`);
    const answers = await Promise.all(Array.from({ length: 50 }, () => deliver(text)));
    const taken = answers
      .filter(({ status }) => status === 202)
      .map(({ text: said }) => JSON.parse(said) as object);
    expect(answers.every(({ status }) => status === 202 || status === 429)).toBe(true);
    expect(taken.filter((said) => "duplicate" in said && said.duplicate === false)).toHaveLength(1);
    await expectUnharmed(door);
  });

  test.each<[string, Parameters<typeof deliver>[1], number]>([
    ["row 35: as text/plain", { contentType: "text/plain" }, 415],
    ["row 35: as a form", { contentType: "application/x-www-form-urlencoded" }, 415],
    ["row 35: in UTF-7", { contentType: "application/json; charset=utf-7" }, 415],
    ["row 35: as multipart", { contentType: "multipart/form-data; boundary=x" }, 415],
    ["row 36: compressed", { headers: [["content-encoding", "gzip"]] }, 415],
    ["row 33: with a line end in its event", { event: "push%0d%0aX: 1" }, 400],
    ["with a path for an id", { guid: "../../principals" }, 400],
    ["with two ids", { headers: [["x-github-delivery", "0"]] }, 400],
    ["with two events", { headers: [["x-github-event", "ping"]] }, 400],
  ])("%s is refused", async (_row, forged, status) => {
    const receipts = await door.receipts();
    expect((await deliver(body, forged)).status).toBe(status);
    expect(await door.receipts()).toBe(receipts);
  });
});
