// The notifier: each thing is told once, until it has arrived or is given up; what stops on the way is sent by the next start.
import { describe, expect, onTestFinished, test } from "vitest";
import { createNotifier } from "../../services/notifier/notifier.ts";
import { createNotifications } from "../../shared/adapters/local/notifications.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import { NOTIFICATION_ATTEMPTS_MAX } from "../../shared/domain/notification-retry.ts";
import type { OutgoingAnswer, OutgoingRequest } from "../../shared/ports/outgoing.ts";
import type { NotificationChannel } from "../../shared/runtime/notification-channel.ts";
import { batchOf } from "../support/facts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { createWorld } from "../support/world.ts";

const DAY_MS = 86_400_000;
const STACK = "stacks/web";
const applyFailed: Draft<"apply.failed"> = {
  type: "apply.failed",
  data: { apply: "a1", plan: "p1", reason: "TERRAFORM", message: "no quota", nextStep: "Raise it." },
};
const CHANNEL: NotificationChannel = { url: "https://hooks.example.com/x" };
const SECRETS = { current: `whsec_${"A".repeat(32)}`, previous: `whsec_${"B".repeat(32)}` };

/** A world with a notifier; `answer` is the receiver. */
function world(
  options: {
    readonly channel?: () => NotificationChannel | undefined;
    readonly answer?: (nth: number, request: OutgoingRequest) => Promise<OutgoingAnswer> | OutgoingAnswer;
    readonly path?: string;
  } = {},
) {
  const sent: OutgoingRequest[] = [];
  let notifier: ReturnType<typeof createNotifier> | undefined;
  const { channel = () => CHANNEL, answer = () => ({ status: 204 }), path } = options;
  const made = createWorld({
    ...(path === undefined ? {} : { path }),
    services: (ports) => {
      notifier = createNotifier({
        ...ports,
        notifications: createNotifications(ports.db),
        secrets: { get: async () => SECRETS },
        readNotificationChannel: async () => channel(),
        outgoing: {
          async post(request) {
            sent.push(request);
            return answer(sent.length, request);
          },
        },
      });
      return [notifier];
    },
  });
  const { ledger, announce, db } = made;
  const log = createNotifications(db);
  const failApply = async (expected = 0): Promise<void> => {
    const batch = batchOf(STACK, expected, `apply/${expected}`, [applyFailed]);
    await ledger.append(batch);
    await announce(batch.facts);
    await made.settle();
  };
  const pass = async (): Promise<void> => {
    await notifier?.reconcile();
    await notifier?.idle();
  };
  return { ...made, sent, log, failApply, pass, notifier: () => notifier };
}

function testWorld(options?: Parameters<typeof world>[0]) {
  const made = world(options);
  onTestFinished(() => made.close());
  return made;
}

const headersOf = ({ headers }: OutgoingRequest) => headers;

describe("a failed apply", () => {
  test("is told once, signed with the current and the previous secret", async () => {
    const { sent, log, failApply, pass } = testWorld();
    await failApply();
    await pass();
    await pass();
    expect(sent).toHaveLength(1);
    const [request] = sent as [OutgoingRequest];
    expect(request).toMatchObject({ url: CHANNEL.url, allowPrivateNetwork: false });
    expect(JSON.parse(request.body)).toMatchObject({ type: "apply.failed", data: { subject: STACK } });
    expect(headersOf(request)["webhook-id"]).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(headersOf(request)["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
    expect(await log.list({ limit: 9 })).toMatchObject([{ state: "delivered", attempts: [{ status: 204 }] }]);
  });

  test("is told once although its fact is given again", async () => {
    const { sent, failApply, pass, facts, notifier } = testWorld();
    await failApply();
    await pass();
    for (const fact of await facts()) await notifier()?.handle(fact);
    await pass();
    expect(sent).toHaveLength(1);
  });

  test("is tried again under the same id with a new time, until it arrives", async () => {
    const { sent, log, failApply, pass, advance } = testWorld({
      answer: (nth) => ({ status: nth < 3 ? 503 : 200 }),
    });
    await failApply();
    await pass();
    await pass();
    expect(sent).toHaveLength(1);
    for (const ms of [6_000, 331_000]) {
      await advance(ms);
      await pass();
    }
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map((each) => headersOf(each)["webhook-id"])).size).toBe(1);
    expect(new Set(sent.map((each) => headersOf(each)["webhook-timestamp"])).size).toBe(3);
    expect(await log.list({ limit: 9 })).toMatchObject([
      { state: "delivered", attempts: [{ status: 503 }, { status: 503 }, { status: 200 }] },
    ]);
  });

  test("is given up after the last attempt", async () => {
    const { sent, log, failApply, pass, advance } = testWorld({
      answer: () => Promise.reject(new ControlPlaneError("UNAVAILABLE", "away", { reason: "NOT_REACHED" })),
    });
    await failApply();
    for (let day = 0; day < NOTIFICATION_ATTEMPTS_MAX + 5; day++) {
      await pass();
      await advance(1.2 * DAY_MS);
    }
    expect(sent).toHaveLength(NOTIFICATION_ATTEMPTS_MAX);
    expect(await log.list({ limit: 9 })).toMatchObject([{ state: "failed" }]);
  });

  test("waits as long as the receiver asks, and 410 ends it at once", async () => {
    const { sent, log, failApply, pass, advance } = testWorld({
      answer: (nth) => (nth === 1 ? { status: 429, retryAfter: "3600" } : { status: 410 }),
    });
    await failApply();
    await pass();
    await advance(3_500_000);
    await pass();
    expect(sent).toHaveLength(1);
    await advance(500_000);
    await pass();
    expect(sent).toHaveLength(2);
    expect(await log.list({ limit: 9 })).toMatchObject([{ state: "failed" }]);
  });

  test("can be sent again by hand after it was given up", async () => {
    const { sent, log, failApply, pass, clock } = testWorld({
      answer: (nth) => ({ status: nth === 1 ? 410 : 200 }),
    });
    await failApply();
    await pass();
    const [entry] = await log.list({ limit: 1 });
    await log.again(entry?.id ?? "", clock.now().toISOString());
    await pass();
    expect(sent).toHaveLength(2);
    expect(await log.get(entry?.id ?? "")).toMatchObject({ state: "delivered" });
  });
});

describe("the channel", () => {
  test("without one, or for a kind that is not wanted, nothing is sent and the log says so", async () => {
    let channel: NotificationChannel | undefined;
    const { sent, log, failApply, pass } = testWorld({ channel: () => channel });
    await failApply();
    await pass();
    channel = { ...CHANNEL, types: ["endpoint.held"] };
    await failApply(1);
    await pass();
    expect(sent).toEqual([]);
    expect(await log.list({ limit: 9 })).toMatchObject([{ state: "unsent" }, { state: "unsent" }]);
  });

  test("a file that cannot be read is tried again after it was mended", async () => {
    let broken = true;
    const { sent, log, failApply, pass, advance } = testWorld({
      channel: () => {
        if (broken) throw new ControlPlaneError("INVALID_ARGUMENT", "url is no address", { reason: "X" });
        return { ...CHANNEL, format: "slack" };
      },
    });
    await failApply();
    await pass();
    expect(await log.list({ limit: 9 })).toMatchObject([
      { state: "pending", attempts: [{ error: "url is no address" }] },
    ]);
    broken = false;
    await advance(6_000);
    await pass();
    expect(JSON.parse(sent[0]?.body ?? "")).toEqual({
      text: expect.stringContaining("apply.failed") as string,
    });
  });
});

test("every dead letter is told once", async () => {
  const { sent, pass, deadLetters } = testWorld();
  const letter = {
    service: "registry",
    reason: "INVALID",
    message: "unreadable",
    payload: null,
    time: "2026-01-02T03:04:05.000Z",
  };
  await pass();
  for (const id of ["registry/a", "registry/b", "registry/a"]) await deadLetters.put({ id, ...letter });
  await pass();
  await deadLetters.put({ id: "registry/c", ...letter });
  await pass();
  const subjects = sent.map(({ body }) => (JSON.parse(body) as { data: { subject: string } }).data.subject);
  expect(subjects.toSorted()).toEqual([
    "deadLetters/registry-a",
    "deadLetters/registry-b",
    "deadLetters/registry-c",
  ]);
});

test("what a stop cuts off is sent by the next start, under the same id", async () => {
  const path = `${temporaryFolder()}/ledger.db`;
  const first = world({
    path,
    // A receiver that never answers: only the stop ends it.
    answer: (_, { signal }) =>
      new Promise((__, reject) => signal?.addEventListener("abort", () => reject(new Error("stopped")))),
  });
  await first.failApply();
  await first.notifier()?.reconcile();
  const cut = await until("it is on its way", () => first.sent.at(0));
  await first.notifier()?.close();
  expect(await first.log.list({ limit: 9 })).toMatchObject([{ state: "pending", attempts: [] }]);
  await first.close();
  const second = testWorld({ path });
  await second.pass();
  expect(second.sent.map((each) => headersOf(each)["webhook-id"])).toEqual([headersOf(cut)["webhook-id"]]);
});
