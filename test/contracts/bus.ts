// The law of the bus port, tried on every adapter.
import { describe, expect, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { factFrom, planStarted } from "../support/facts.ts";

/** A bus that carries facts to the given services, and the dead letters that it or they keep. */
export interface BusUnderTest {
  readonly bus: Bus;
  readonly deadLetters: DeadLetters;
  /** Of a bus that holds facts durably and answers before they are handled: resolves when every fact is. */
  readonly settled?: () => Promise<void>;
}

/** When publishing resolves: the law leaves both ways open. */
export type Carries = "until handled" | "durably";

const fact = (build: string, subject = "stacks/a"): AnyFact =>
  factFrom(planStarted(build), { subject, cause: build });

/** A service that keeps the whole facts it handled; `handle` may fail. */
function listener(name: string, handle: (build: string) => void = () => undefined) {
  const seen: AnyFact[] = [];
  const service: FactService = {
    name,
    inputs: ["plan.started"],
    async handle(given) {
      handle((given.data as { build: string }).build);
      seen.push(given);
    },
  };
  return { service, seen };
}

/** Tries the whole law on one adapter; `create` answers a bus to these services. */
export function itBehavesLikeABus(
  name: string,
  create: (services: readonly FactService[]) => Promise<BusUnderTest>,
  carries: Carries = "until handled",
): void {
  /** Publishes, and waits for the handlers too where the bus does not. */
  const publish = async (
    { bus, settled }: BusUnderTest,
    ...what: Parameters<Bus["publish"]>
  ): Promise<void> => {
    await bus.publish(...what);
    await settled?.();
  };
  describe(`${name} is a bus`, () => {
    test("every service that asked for the type has handled the fact when publishing resolves", async () => {
      const [one, two] = [listener("one"), listener("two")];
      const other: FactService = {
        name: "other",
        inputs: ["run.lost"],
        handle: () => Promise.reject(new Error("not mine")),
      };
      const under = await create([one.service, two.service, other]);
      await publish(under, fact("b"));
      expect([one.seen, two.seen]).toEqual([[fact("b")], [fact("b")]]);
      expect((await under.deadLetters.list(1)).total).toBe(0);
    });

    test("a fact that nobody wants is published at once", async () => {
      const { bus } = await create([]);
      await expect(bus.publish(fact("b"))).resolves.toBeUndefined();
    });

    test("publishing again is harmless: the service is asked again", async () => {
      const one = listener("one");
      const under = await create([one.service]);
      await publish(under, fact("b"));
      await publish(under, fact("b"));
      expect(one.seen).toEqual([fact("b"), fact("b")]);
    });

    test("a permanent error keeps the fact as a dead letter of that service and counts as handled", async () => {
      const good = listener("good");
      const hopeless = listener("hopeless", () => {
        throw new ControlPlaneError("INVALID_ARGUMENT", "never", { reason: "HOPELESS" });
      });
      const under = await create([good.service, hopeless.service]);
      await publish(under, fact("b"));
      await publish(under, fact("b"));
      expect(good.seen.length).toBeGreaterThan(0);
      const { letters, total } = await under.deadLetters.list(10);
      expect(total).toBe(1);
      expect(letters[0]).toMatchObject({ service: "hopeless", reason: "HOPELESS", payload: fact("b") });
    });

    test("a fact for one subscription reaches that one alone, whoever had it before", async () => {
      const [one, two] = [listener("one"), listener("two")];
      const under = await create([one.service, two.service]);
      await publish(under, fact("b"));
      await publish(under, fact("b"), "two");
      expect([one.seen.length, two.seen.length]).toEqual([1, 2]);
    });

    test("a fact for a subscription of a name that there is not is refused", async () => {
      const { bus } = await create([listener("one").service]);
      await expect(bus.publish(fact("b"), "nobody")).rejects.toMatchObject({
        code: "NOT_FOUND",
        reason: "SUBSCRIPTION_NOT_FOUND",
      });
    });

    test("facts keep every character on their way", async () => {
      const one = listener("one");
      const under = await create([one.service]);
      const awkward = factFrom(planStarted('жар-птица 🚂 "\\\u0000\u2028'), {
        cause: "api/🚂",
        subject: "stacks/a",
      });
      await publish(under, awkward);
      expect(one.seen).toEqual([awkward]);
    });
  });
  if (carries === "until handled") itHoldsUntilHandled(name, create);
  else itGivesAgainByItself(name, create);
}

function itHoldsUntilHandled(
  name: string,
  create: (services: readonly FactService[]) => Promise<BusUnderTest>,
): void {
  describe(`${name} resolves when a fact is handled`, () => {
    test("rejects while a service must be given the fact again, and does not ask the others again", async () => {
      let down = true;
      const good = listener("good");
      const flaky = listener("flaky", () => {
        if (down) throw new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" });
      });
      const { bus, deadLetters } = await create([good.service, flaky.service]);
      await expect(bus.publish(fact("b"))).rejects.toMatchObject({
        code: "UNAVAILABLE",
        metadata: { services: "flaky" },
      });
      down = false;
      await bus.publish(fact("b"));
      expect([good.seen.length, flaky.seen.length]).toEqual([1, 1]);
      expect((await deadLetters.list(1)).total).toBe(0);
    });

    test("an unknown error is a defect and is tried again, not lost", async () => {
      const broken = listener("broken", () => {
        throw new TypeError("undefined is not a function");
      });
      const { bus } = await create([broken.service]);
      await expect(bus.publish(fact("b"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    });

    test("a fact for one subscription is rejected while that one fails", async () => {
      const flaky = listener("flaky", () => {
        throw new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" });
      });
      const { bus } = await create([flaky.service]);
      await expect(bus.publish(fact("b"), "flaky")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    });
  });
}

function itGivesAgainByItself(
  name: string,
  create: (services: readonly FactService[]) => Promise<BusUnderTest>,
): void {
  describe(`${name} gives a fact again by itself`, () => {
    test.each([
      ["a transient error", () => new ControlPlaneError("UNAVAILABLE", "not now", { reason: "DOWN" })],
      ["an unknown error, which is a defect", () => new TypeError("undefined is not a function")],
    ])("after %s, until it is handled, and to nobody else", async (_what, failure) => {
      let failures = 2;
      const good = listener("good");
      const flaky = listener("flaky", () => {
        if (failures-- > 0) throw failure();
      });
      const { bus, deadLetters, settled } = await create([good.service, flaky.service]);
      await bus.publish(fact("b"));
      await settled?.();
      expect([good.seen, flaky.seen]).toEqual([[fact("b")], [fact("b")]]);
      expect(failures).toBe(-1);
      expect((await deadLetters.list(1)).total).toBe(0);
    });
  });
}
