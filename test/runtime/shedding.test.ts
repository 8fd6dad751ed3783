// Who is let in when too many come: the arithmetic of rates and places.
import { describe, expect, test } from "vitest";
import { createRates, RATES_REMEMBERED_MAX } from "../../shared/runtime/rate.ts";
import {
  addressOf,
  CALLER_BURST_MAX,
  CALLER_REQUESTS_PER_SECOND_MAX,
  createShedding,
  isShed,
  ORDINARY_IN_FLIGHT_EACH_MAX,
  ORDINARY_IN_FLIGHT_MAX,
  ROLLBACKS_IN_FLIGHT_EACH_MAX,
  ROLLBACKS_IN_FLIGHT_MAX,
  SHED_LOG_MS,
  STRANGER_BURST_MAX,
} from "../../shared/runtime/shedding.ts";
import { rememberingLog } from "../services/door.ts";
import { createVirtualClock } from "../support/clock.ts";

const refusal = (act: () => unknown): unknown => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
};

function shedding() {
  const clock = createVirtualClock();
  const log = rememberingLog();
  return { clock, log, gate: createShedding({ clock, log }) };
}

describe("a rate", () => {
  test("gives its burst at once, and then as much as time has brought", async () => {
    const clock = createVirtualClock();
    const spend = createRates(clock, { perSecond: 2, burst: 3 });
    expect([spend("a"), spend("a"), spend("a"), spend("a")]).toEqual([0, 0, 0, 0.5]);
    expect(spend("b")).toBe(0);
    await clock.advance(500);
    expect([spend("a"), spend("a")]).toEqual([0, 0.5]);
    await clock.advance(3_600_000);
    expect([spend("a"), spend("a"), spend("a"), spend("a")]).toEqual([0, 0, 0, 0.5]);
  });

  test("stands a clock that runs backwards", () => {
    let now = 10_000;
    const spend = createRates(
      { now: () => new Date(now), sleep: async () => {} },
      { perSecond: 1, burst: 1 },
    );
    expect(spend("a")).toBe(0);
    now = 0;
    expect(spend("a")).toBe(1);
    now = 1_000;
    expect(spend("a")).toBe(0);
  });

  test("remembers a bounded number of names", () => {
    const spend = createRates(createVirtualClock(), { perSecond: 1, burst: 1 });
    for (let name = 0; name < RATES_REMEMBERED_MAX; name += 1) spend(`${name}`);
    expect(spend("0")).toBe(1);
    spend("one more");
    // `0` was used again a moment ago, so `1` was quiet longest and is forgotten.
    expect([spend("0"), spend("1")]).toEqual([1, 0]);
  });
});

describe("shedding", () => {
  test("refuses a caller beyond its rate with 429 and the time to come back, and nobody else", async () => {
    const { clock, gate } = shedding();
    for (let call = 0; call < CALLER_BURST_MAX; call += 1) gate.spendCaller("ada");
    const error = refusal(() => gate.spendCaller("ada"));
    expect(error).toMatchObject({ http: 429, code: "RESOURCE_EXHAUSTED", headers: { "retry-after": "1" } });
    expect(isShed(error)).toBe(true);
    gate.spendCaller("grace");
    await clock.advance(1_000);
    for (let call = 0; call < CALLER_REQUESTS_PER_SECOND_MAX; call += 1) gate.spendCaller("ada");
    expect(refusal(() => gate.spendCaller("ada"))).toBeDefined();
  });

  test("counts those who name nobody by address, and an IPv6 customer as one", () => {
    const { gate } = shedding();
    expect(addressOf("::ffff:192.0.2.1")).toBe(addressOf("192.0.2.1"));
    expect(addressOf("2001:db8:1:2:3:4:5:6")).toBe(addressOf("2001:db8:1:2:ffff::1"));
    expect(addressOf("2001:db8::1")).toBe(addressOf("2001:db8::ffff:0:1"));
    expect(addressOf("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
    expect(addressOf("2001:db8:1:2::1")).not.toBe(addressOf("2001:db8:1:3::1"));
    for (let request = 0; request < STRANGER_BURST_MAX; request += 1) gate.spendStranger("192.0.2.1");
    expect(refusal(() => gate.spendStranger("192.0.2.1"))).toBeDefined();
    gate.spendStranger("192.0.2.2");
  });

  test("keeps the places of rollbacks from everybody else, and some of them from each who rolls back", () => {
    const { gate } = shedding();
    const people = Array.from(
      { length: ORDINARY_IN_FLIGHT_MAX / ORDINARY_IN_FLIGHT_EACH_MAX },
      (_, n) => `p${n}`,
    );
    for (const person of people)
      for (let place = 0; place < ORDINARY_IN_FLIGHT_EACH_MAX; place += 1) gate.enter("ordinary", person);
    expect(refusal(() => gate.enter("ordinary", "somebody else"))).toBeDefined();
    for (let place = 0; place < ROLLBACKS_IN_FLIGHT_EACH_MAX; place += 1) gate.enter("rollback", "ada");
    expect(refusal(() => gate.enter("rollback", "ada"))).toBeDefined();
    expect(ROLLBACKS_IN_FLIGHT_EACH_MAX).toBeLessThan(ROLLBACKS_IN_FLIGHT_MAX);
    gate.enter("rollback", "grace")();
  });

  test("gives a place back once, however often its end is told", () => {
    const { gate } = shedding();
    const leave = gate.enter("ordinary", "ada");
    for (let place = 1; place < ORDINARY_IN_FLIGHT_EACH_MAX; place += 1) gate.enter("ordinary", "ada");
    expect(refusal(() => gate.enter("ordinary", "ada"))).toBeDefined();
    leave();
    leave();
    gate.enter("ordinary", "ada");
    expect(refusal(() => gate.enter("ordinary", "ada"))).toBeDefined();
  });

  test("tells the log of a flood once in a while and not once a request", async () => {
    const { clock, log, gate } = shedding();
    for (let request = 0; request < STRANGER_BURST_MAX + 1_000; request += 1)
      refusal(() => gate.spendStranger("192.0.2.1"));
    expect(log.lines.map(({ fields }) => fields["refused"])).toEqual([1]);
    await clock.advance(SHED_LOG_MS);
    for (let request = 0; request < STRANGER_BURST_MAX + 1; request += 1)
      refusal(() => gate.spendStranger("192.0.2.1"));
    expect(log.lines.map(({ fields }) => fields["refused"])).toEqual([1, 1_000]);
  });
});
