// Facts are heard of as they are recorded, by whatever process; and when nothing can be heard, they are asked for.
import { describe, expect, onTestFinished, test } from "vitest";
import { beginAtEnd, follow, LOOK_EVERY_MS } from "../../../services/api/facts/follow.ts";
import { openStore, type Store } from "../../../shared/adapters/google/firestore.ts";
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createLedgerEars } from "../../../shared/adapters/google/ledger-ear.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import { BACKOFF_FIRST_MS } from "../../../shared/runtime/backoff.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { batchOf, planStarted } from "../../support/facts.ts";
import { startCuttableWay } from "../../support/cuttable.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";
import { createLogBook } from "../../support/world.ts";

const FAR_MS = 20_000;
const NO_FILTER = { subject: undefined, types: undefined };

withFirestore((fresh, emulator) => {
  describe("the ear of the Firestore ledger", () => {
    test("hears what another process records, without asking", async () => {
      const { store, reopen } = fresh();
      const ear = createLedgerEars({ store, clock, log: createLogBook() })();
      onTestFinished(() => ear.close());
      const stopped = new AbortController();
      await ear.wait(0, FAR_MS, stopped.signal);
      expect(ear.isHearing()).toBe(true);
      const heard = ear.heard();
      const waited = ear.wait(heard, FAR_MS, stopped.signal);
      await createLedger(reopen().store).append(batchOf("stacks/a", 0, "c", [planStarted("b")]));
      await waited;
      expect(ear.heard()).toBeGreaterThan(heard);
    });

    test("goes on hearing when its connection was cut", async () => {
      const way = await startCuttableWay(emulator().host);
      onTestFinished(() => way.close());
      const project = `ear-${process.pid}`;
      const [near, other] = [way.host, emulator().host].map((host) =>
        openStore({ project, emulator: host }, clock),
      );
      if (near === undefined || other === undefined) return expect.unreachable();
      onTestFinished(async () => void (await Promise.all([near.close(), other.close()])));
      const ear = createLedgerEars({ store: near, clock, log: createLogBook() })();
      const stopped = new AbortController();
      await ear.wait(0, FAR_MS, stopped.signal);
      way.cut();
      way.lead(emulator().host);
      const heard = ear.heard();
      await createLedger(other).append(batchOf("stacks/a", 0, "c", [planStarted("b")]));
      await ear.wait(heard, FAR_MS, stopped.signal);
      expect(ear.heard()).toBeGreaterThan(heard);
      ear.close();
    });

    test("shows a followed fact soon, with few listings, and leaves no listener behind", async () => {
      const { store, reopen } = fresh();
      const ledger = createLedger(store);
      let listings = 0;
      const listen = createLedgerEars({ store, clock, log: createLogBook() });
      const counted = {
        ...ledger,
        list: (query: Parameters<typeof ledger.list>[0]) => {
          listings += 1;
          return ledger.list(query);
        },
        listen,
      };
      await ledger.append(batchOf("stacks/a", 0, "c0", [planStarted("b0")]));
      const stopped = new AbortController();
      const beginning = await beginAtEnd({ ledger: counted }, NO_FILTER, 0);
      const stream = follow({ ledger: counted, clock }, NO_FILTER, beginning, stopped.signal);
      await stream.next();
      const told = stream.next();
      const began = Date.now();
      // Long enough that asking every quarter of a second would show.
      await clock.sleep(1_500);
      await createLedger(reopen().store).append(batchOf("stacks/a", 1, "c1", [planStarted("b1")]));
      expect((await told).value).toContain("plan.started");
      expect(listings).toBeLessThan((Date.now() - began) / LOOK_EVERY_MS);
      stopped.abort();
      await stream.next();
      // The client refuses to end while something listens: closing ends what is left, and then the client.
      const left = listen();
      await expect(store.close()).resolves.toBeUndefined();
      left.close();
    });
  });
});

/** A listener that the test speaks for. */
function scripted() {
  const begun: { change(): void; end(error: ControlPlaneError): void; stopped: boolean }[] = [];
  const query = { orderBy: () => query, limit: () => query };
  const store = {
    db: { collection: () => query },
    listen(_doing: string, _query: unknown, change: () => void, end: (error: ControlPlaneError) => void) {
      const listener = { change, end, stopped: false };
      begun.push(listener);
      return () => void (listener.stopped = true);
    },
  } as unknown as Pick<Store, "db" | "listen">;
  const virtual = createVirtualClock();
  const log = createLogBook();
  return { begun, clock: virtual, log, open: createLedgerEars({ store, clock: virtual, log }) };
}
const away = new ControlPlaneError("UNAVAILABLE", "Firestore is away", { reason: "AWAY" });
const open = new AbortController().signal;

describe("ears over one listener", () => {
  test("share it, and the last one that closes ends it", () => {
    const { begun, open: listen } = scripted();
    const [one, two] = [listen(), listen()];
    expect(begun).toHaveLength(1);
    one.close();
    one.close();
    expect(begun[0]?.stopped).toBe(false);
    two.close();
    expect(begun[0]?.stopped).toBe(true);
    listen().close();
    expect(begun).toHaveLength(2);
  });

  test("miss nothing that comes between the question and the waiting", async () => {
    const { begun, open: listen } = scripted();
    const ear = listen();
    const heard = ear.heard();
    begun[0]?.change();
    await ear.wait(heard, Number.MAX_SAFE_INTEGER, open);
    ear.close();
  });

  test("wake at once when the listener ends, hear nothing meanwhile, and begin again after a pause that grows", async () => {
    const { begun, clock: virtual, log, open: listen } = scripted();
    const ear = listen();
    begun[0]?.change();
    expect(ear.isHearing()).toBe(true);
    for (const [round, pause] of [BACKOFF_FIRST_MS, 2 * BACKOFF_FIRST_MS].entries()) {
      const waited = ear.wait(ear.heard(), 60_000, open);
      begun[round]?.end(away);
      await waited;
      expect(ear.isHearing()).toBe(false);
      await virtual.advance(pause - 1);
      expect(begun).toHaveLength(round + 1);
      await virtual.advance(1);
      expect(begun).toHaveLength(round + 2);
    }
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(2);
    begun[2]?.change();
    expect(ear.isHearing()).toBe(true);
    ear.close();
  });

  test("that close during the pause begin nothing more", async () => {
    const { begun, clock: virtual, open: listen } = scripted();
    const ear = listen();
    begun[0]?.end(away);
    ear.close();
    await virtual.advance(10 * BACKOFF_FIRST_MS);
    expect(begun).toHaveLength(1);
  });
});
