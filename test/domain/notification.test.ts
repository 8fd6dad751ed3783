// What people are told: which facts, in which words, signed how, and when again.
import { describe, expect, test } from "vitest";
import {
  nextNotificationAttempt,
  NOTIFICATION_ATTEMPTS_MAX,
  retryAfterSeconds,
} from "../../shared/domain/notification-retry.ts";
import {
  NOTIFICATION_TEXT_CHARACTERS_MAX,
  notificationOf,
  notificationOfDeadLetter,
  slackBody,
  standardBody,
} from "../../shared/domain/notification.ts";
import { webhookHeaders, webhookKey } from "../../shared/domain/webhook-signature.ts";
import { factFrom, planStarted } from "../support/facts.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const version = (n: number): string => `teams/default/models/ranker/versions/${n}`;
const moved = (kind: "rollback" | "advance") =>
  factFrom(
    {
      type: "traffic.moved",
      data: {
        epoch: 4,
        kind,
        moveCause: "api/x",
        reason: "bad answers",
        from: { [version(2)]: 95, [version(3)]: 5 },
        to: { [version(2)]: 100 },
        movedAt: "2026-01-02T03:04:05.678Z",
      },
    },
    { subject: ENDPOINT },
  );
const held = (epoch?: number) =>
  factFrom(
    { type: "endpoint.held", data: { reason: "rejected", ...(epoch === undefined ? {} : { epoch }) } },
    { subject: ENDPOINT },
  );
const failed = (message: string) =>
  factFrom({
    type: "apply.failed",
    data: { apply: "a1", plan: "p1", reason: "TERRAFORM", message, nextStep: "Mend it." },
  });

describe("what deserves a notification", () => {
  test("a rollback is told once: by its move, not by its hold", () => {
    expect(notificationOf(moved("rollback"))).toMatchObject({
      id: moved("rollback").id,
      type: "endpoint.rolled_back",
      subject: ENDPOINT,
      summary: `${ENDPOINT} was rolled back from version 2 with 95 %, version 3 with 5 % to version 2 with 100 % (epoch 4) and is held: bad answers`,
    });
    expect(notificationOf(held(4))).toBeUndefined();
  });

  test("a hold without a move is told", () => {
    expect(notificationOf(held())).toMatchObject({ type: "endpoint.held" });
  });

  test("other moves and other facts are not told", () => {
    expect(notificationOf(moved("advance"))).toBeUndefined();
    expect(notificationOf(factFrom(planStarted("b1")))).toBeUndefined();
  });

  test("a failed apply is told in its own words, short and without secrets", () => {
    const token = `ghp_${"a".repeat(36)}`;
    const told = notificationOf(failed(`no quota ${token} ${"x".repeat(5_000)}`));
    expect(told?.summary).toMatch(/^An apply of stacks\/web failed: no quota \(redacted\)/);
    expect(told?.summary.length).toBeLessThanOrEqual(NOTIFICATION_TEXT_CHARACTERS_MAX);
    expect(told?.nextStep).toBe("Mend it.");
  });

  test("a dead letter is told under an id of its own", () => {
    const letter = { id: "registry/f1", service: "registry", reason: "X", message: "m", time: "t" };
    const told = notificationOfDeadLetter(letter);
    expect(told).toMatchObject({ type: "message.dead_lettered", subject: "deadLetters/registry-f1" });
    expect(told.id).toBe(notificationOfDeadLetter({ ...letter, message: "other" }).id);
    expect(told.id).not.toBe(notificationOfDeadLetter({ ...letter, id: "registry/f2" }).id);
  });
});

describe("bodies", () => {
  const told = notificationOf(failed("<!channel> a & b"));
  if (told === undefined) throw new Error("a failed apply is notified");

  test("the standard body has type, timestamp and data", () => {
    expect(JSON.parse(standardBody(told))).toEqual({
      type: "apply.failed",
      timestamp: told.time,
      data: {
        id: told.id,
        subject: "stacks/web",
        actor: "people/test",
        summary: told.summary,
        nextStep: "Mend it.",
      },
    });
  });

  test("nothing in Slack's text can mention people or make links", () => {
    const { text } = JSON.parse(slackBody(told)) as { text: string };
    expect(text).toContain("&lt;!channel&gt; a &amp; b");
    expect(text).not.toMatch(/[<>]/);
  });
});

describe("signatures", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const key = webhookKey(secret) as Buffer;

  test("are those of the specification's own test vector", () => {
    const time = new Date(1_614_265_330_000);
    expect(webhookHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", time, '{"test": 2432232314}', [key])).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test("are several while the secret rotates", () => {
    const [one, other] = [key, Buffer.alloc(24, 7)];
    const signed = (keys: readonly Buffer[]) =>
      webhookHeaders("msg_1", new Date(0), "{}", keys)["webhook-signature"];
    expect(signed([one, other])).toBe(`${signed([one])} ${signed([other])}`);
  });

  test.each([
    ["no prefix", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ["too short", "whsec_c2hvcnQ="],
    ["no base64", "whsec_not base64 at all, really, not at all"],
    ["too long", `whsec_${Buffer.alloc(65).toString("base64")}`],
  ])("a secret with %s is no key", (_, text) => {
    expect(webhookKey(text)).toBeUndefined();
  });
});

describe("trying again", () => {
  const now = new Date("2026-01-02T03:04:05.000Z");
  const after = (attempts: number, askedSeconds = 0): number | undefined => {
    const next = nextNotificationAttempt({ id: "a", attempts, askedSeconds }, now);
    return next === undefined ? undefined : (next.getTime() - now.getTime()) / 1_000;
  };

  test("pauses grow from seconds to a day, a little longer than planned, and end after about three days", () => {
    const pauses = Array.from({ length: NOTIFICATION_ATTEMPTS_MAX - 1 }, (_, index) => after(index + 1) ?? 0);
    for (const [index, planned] of [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(planned);
      expect(pauses[index]).toBeLessThanOrEqual(planned * 1.1);
    }
    expect(after(NOTIFICATION_ATTEMPTS_MAX)).toBeUndefined();
  });

  test("a receiver is never asked sooner than it wished, within a day", () => {
    expect(after(1, 900)).toBeGreaterThanOrEqual(900);
    expect(retryAfterSeconds("120", now)).toBe(120);
    expect(retryAfterSeconds("Fri, 02 Jan 2026 03:05:05 GMT", now)).toBe(60);
    expect(retryAfterSeconds("99999999", now)).toBe(86_400);
    for (const nothing of [undefined, "", "soon", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"])
      expect(retryAfterSeconds(nothing, now)).toBe(0);
  });
});
