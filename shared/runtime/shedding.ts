// What a door lets in at one time. Whoever asks too often or for too much at once is refused early, with 429 and when to come
// back, so that the others are served; rollbacks have places of their own, which nothing else can take.
import type { Clock } from "../ports/clock.ts";
import { HttpError } from "./errors.ts";
import type { Log } from "./log.ts";
import { createRates } from "./rate.ts";

/** Which places a route uses. `unbounded`: probes, and what bounds itself (streams of facts). */
export type Lane = "ordinary" | "rollback" | "deliveries" | "unbounded";

/** Calls a second of one principal, all routes but rollbacks together. */
export const CALLER_REQUESTS_PER_SECOND_MAX = 200;
/** Calls of one principal at once after a quiet time. */
export const CALLER_BURST_MAX = 500;
/** Requests a second of one address that name nobody whom we know: wrong tokens, the page of someone not signed in. */
export const STRANGER_REQUESTS_PER_SECOND_MAX = 50;
/** Such requests at once after a quiet time. */
export const STRANGER_BURST_MAX = 200;
/** Requests that are worked on at one time, besides rollbacks and deliveries. */
export const ORDINARY_IN_FLIGHT_MAX = 256;
/** The same of one principal, or of one address. */
export const ORDINARY_IN_FLIGHT_EACH_MAX = 64;
/** Rollbacks that are worked on at one time. */
export const ROLLBACKS_IN_FLIGHT_MAX = 64;
/** The same of one principal: one who presses without end leaves the button to the others. */
export const ROLLBACKS_IN_FLIGHT_EACH_MAX = 16;
/** Deliveries that are read and stored at one time; each may hold its body in memory. */
export const DELIVERIES_IN_FLIGHT_MAX = 256;
/** The same of one address. */
export const DELIVERIES_IN_FLIGHT_EACH_MAX = 128;
/** The log tells of refused floods at most this often. */
export const SHED_LOG_MS = 10_000;

const PLACES: Readonly<Record<Exclude<Lane, "unbounded">, readonly [all: number, each: number]>> = {
  ordinary: [ORDINARY_IN_FLIGHT_MAX, ORDINARY_IN_FLIGHT_EACH_MAX],
  rollback: [ROLLBACKS_IN_FLIGHT_MAX, ROLLBACKS_IN_FLIGHT_EACH_MAX],
  deliveries: [DELIVERIES_IN_FLIGHT_MAX, DELIVERIES_IN_FLIGHT_EACH_MAX],
};

/** Decides who comes in. Every method throws RESOURCE_EXHAUSTED (429) instead of letting in. */
export interface Shedding {
  /** Takes a place for `who` until the function that it answers is called. */
  enter(lane: Lane, who: string): () => void;
  /** One call of a principal outside of the rollback lane. */
  spendCaller(principal: string): void;
  /** One request of an address that named nobody whom we know. */
  spendStranger(address: string): void;
}

function shed(reason: string, message: string, seconds: number): HttpError {
  const retryAfter = String(Math.max(1, Math.ceil(seconds)));
  return new HttpError(429, "RESOURCE_EXHAUSTED", `${message} Come back in ${retryAfter} s.`, reason, {
    "retry-after": retryAfter,
  });
}

/** Whether an error is a refusal of this file: those are counted and told together, not one by one. */
export function isShed(error: unknown): boolean {
  return error instanceof HttpError && (error.reason === "TOO_MANY_AT_ONCE" || error.reason === "TOO_OFTEN");
}

const GROUPS_OF_NETWORK = 4;
const GROUPS = 8;

/** One address: IPv4 as it is, IPv6 by its /64, which is what one customer of a provider has. */
export function addressOf(remote: string | undefined): string {
  const address = (remote ?? "").replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "");
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::", 2);
  const groupsOf = (text: string | undefined) => (text === undefined || text === "" ? [] : text.split(":"));
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: Math.max(0, GROUPS - before.length - after.length) }, () => "0");
  return `${[...before, ...zeros, ...after].slice(0, GROUPS_OF_NETWORK).join(":")}::/64`;
}

/** Tells of refusals together: the first at once, then how many there were since. */
function createTeller({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
  let refused = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (reason: string, who: string): void => {
    refused += 1;
    const now = clock.now().getTime();
    if (now - toldAt < SHED_LOG_MS) return;
    log.warn({ refused, reason, who }, "More requests came than are taken: some were refused with 429.");
    refused = 0;
    toldAt = now;
  };
}

/** Nobody inside yet. */
export function createShedding(ports: { readonly clock: Clock; readonly log: Log }): Shedding {
  const tell = createTeller(ports);
  const inside = new Map<string, number>();
  const callers = createRates(ports.clock, {
    perSecond: CALLER_REQUESTS_PER_SECOND_MAX,
    burst: CALLER_BURST_MAX,
  });
  const strangers = createRates(ports.clock, {
    perSecond: STRANGER_REQUESTS_PER_SECOND_MAX,
    burst: STRANGER_BURST_MAX,
  });
  const refuse = (reason: string, who: string, message: string, seconds: number): never => {
    tell(reason, who);
    throw shed(reason, message, seconds);
  };
  const count = (key: string, by: 1 | -1): void => {
    const now = (inside.get(key) ?? 0) + by;
    if (now === 0) inside.delete(key);
    else inside.set(key, now);
  };
  return {
    enter(lane, who) {
      if (lane === "unbounded") return () => {};
      const [all, each] = PLACES[lane];
      const keys = [lane, `${lane} ${who}`] as const;
      if ((inside.get(keys[0]) ?? 0) >= all || (inside.get(keys[1]) ?? 0) >= each) {
        refuse("TOO_MANY_AT_ONCE", who, "Too many requests are being worked on at this moment.", 1);
      }
      for (const key of keys) count(key, 1);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        for (const key of keys) count(key, -1);
      };
    },
    spendCaller(principal) {
      const seconds = callers(principal);
      if (seconds > 0)
        refuse("TOO_OFTEN", principal, `${principal} calls more often than is taken.`, seconds);
    },
    spendStranger(address) {
      const seconds = strangers(address);
      if (seconds > 0)
        refuse("TOO_OFTEN", address, "Too many requests came without a credential that is known.", seconds);
    },
  };
}
