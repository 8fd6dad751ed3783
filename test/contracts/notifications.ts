// The law of the delivery log of notifications, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { Notification } from "../../shared/domain/notification.ts";
import { NOTIFICATION_ATTEMPTS_KEPT_MAX, type Notifications } from "../../shared/ports/notifications.ts";

const at = (second: number): string => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString();
const told = (id: string): Notification => ({
  id,
  type: "endpoint.held",
  subject: "teams/default/endpoints/ranker",
  time: at(0),
  actor: "people/grace",
  summary: "It is held: “looked odd” 🚂",
  nextStep: "resume",
});
const attempt = { time: at(1), durationMs: 3, status: 500, error: "The receiver answered 500." };
const ids = (entries: readonly { readonly id: string }[]): readonly string[] => entries.map(({ id }) => id);

/** Tries the whole law on one adapter; `create` answers an empty log and a way to open it again. */
export function itBehavesLikeNotifications(
  name: string,
  create: () => Promise<{
    readonly notifications: Notifications;
    readonly reopen: () => Promise<Notifications>;
  }>,
): void {
  describe(`${name} are a delivery log`, () => {
    test("an empty log offers and lists nothing", async () => {
      const { notifications } = await create();
      expect(await notifications.due(at(59), 10)).toEqual([]);
      expect(await notifications.list({ limit: 10 })).toEqual([]);
      expect(await notifications.get("a")).toBeUndefined();
    });

    test("what is put is offered whole, at once", async () => {
      const { notifications } = await create();
      await notifications.put(told("a"), at(1));
      const entry = {
        ...told("a"),
        state: "pending",
        failures: 0,
        nextAttempt: at(1),
        createTime: at(1),
        updateTime: at(1),
        attempts: [],
      };
      expect(await notifications.due(at(1), 10)).toEqual([entry]);
      expect(await notifications.get("a")).toEqual(entry);
      expect(await notifications.due(at(0), 10)).toEqual([]);
    });

    test("an id is kept once, as it was put first", async () => {
      const { notifications } = await create();
      await notifications.put(told("a"), at(1));
      await notifications.settle("a", {
        time: at(2),
        state: "delivered",
        attempt: { time: at(2), durationMs: 1 },
      });
      await notifications.put({ ...told("a"), summary: "another" }, at(3));
      expect(await notifications.list({ limit: 10 })).toMatchObject([
        { id: "a", state: "delivered", summary: told("a").summary },
      ]);
      expect(await notifications.due(at(59), 10)).toEqual([]);
    });

    test("a failed attempt is counted and offered again when it is due", async () => {
      const { notifications } = await create();
      await notifications.put(told("a"), at(1));
      await notifications.settle("a", { time: at(2), state: "pending", attempt, nextAttempt: at(7) });
      expect(await notifications.due(at(6), 10)).toEqual([]);
      expect(await notifications.due(at(7), 10)).toMatchObject([
        { id: "a", failures: 1, attempts: [attempt] },
      ]);
    });

    test("what waits longest is offered first, up to the limit", async () => {
      const { notifications } = await create();
      for (const [index, id] of ["c", "a", "b"].entries()) await notifications.put(told(id), at(9 - index));
      expect(ids(await notifications.due(at(9), 2))).toEqual(["b", "a"]);
    });

    test.each(["delivered", "failed", "unsent"] as const)(
      "what is %s is not offered, until it is asked for again",
      async (state) => {
        const { notifications } = await create();
        await notifications.put(told("a"), at(1));
        await notifications.settle("a", { time: at(2), state, attempt });
        expect(await notifications.due(at(59), 10)).toEqual([]);
        await notifications.again("a", at(9));
        expect(await notifications.due(at(9), 10)).toMatchObject([
          { state: "pending", failures: 0, attempts: [attempt] },
        ]);
      },
    );

    test("only the last attempts are kept", async () => {
      const { notifications } = await create();
      await notifications.put(told("a"), at(1));
      for (let n = 0; n < NOTIFICATION_ATTEMPTS_KEPT_MAX + 2; n++)
        await notifications.settle("a", {
          time: at(2),
          state: "pending",
          attempt: { ...attempt, durationMs: n },
        });
      const entry = await notifications.get("a");
      expect(entry?.attempts).toHaveLength(NOTIFICATION_ATTEMPTS_KEPT_MAX);
      expect(entry?.attempts[0]?.durationMs).toBe(2);
      expect(entry?.failures).toBe(NOTIFICATION_ATTEMPTS_KEPT_MAX + 2);
    });

    test("the list is newest first and goes on after an entry", async () => {
      const { notifications } = await create();
      for (const id of ["a", "b", "c"]) await notifications.put(told(id), at(1));
      expect(ids(await notifications.list({ limit: 2 }))).toEqual(["c", "b"]);
      expect(ids(await notifications.list({ limit: 2, after: "b" }))).toEqual(["a"]);
    });

    test("an unknown id is NOT_FOUND", async () => {
      const { notifications } = await create();
      const unknown = { code: "NOT_FOUND" };
      await expect(notifications.settle("x", { time: at(1), state: "failed" })).rejects.toMatchObject(
        unknown,
      );
      await expect(notifications.again("x", at(1))).rejects.toMatchObject(unknown);
    });

    test("everything is there after the store is opened again", async () => {
      const { notifications, reopen } = await create();
      await notifications.put(told("a"), at(1));
      expect(ids(await (await reopen()).due(at(1), 10))).toEqual(["a"]);
    });
  });
}
