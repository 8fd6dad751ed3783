// The seam between a simulated process and everything outside it: each call of a port may be lost, late, or the process's last.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { type Faults, PAUSE_MS } from "./faults.ts";
import type { History } from "./history.ts";

/** One life of the simulated process: from a start to a crash. After the crash its promises never resolve. */
export interface Life {
  readonly name: string;
  alive(): boolean;
  crash(why: string): void;
  /** Resolves at the crash. */
  readonly died: Promise<"died">;
  /** Calls that went through the seam; it stands still when the process does. */
  calls(): number;
  /** A port as this life sees it. */
  port<Port extends object>(name: string, target: Port): Port;
  /** One call through the seam. `lost` makes the error for a request or a reply that is lost. */
  through<Answer>(point: string, call: () => Promise<Answer>, lost?: (what: Lost) => Error): Promise<Answer>;
  /** Time as this life sees it: a sleeper of a dead process is never woken. */
  readonly clock: Clock;
}

/** What was lost of a call. */
export type Lost = "request" | "reply";

/** What a life needs. */
export interface LifeOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly history: History;
  readonly onCrash: () => void;
  /** Told about every call whose reply was lost although it happened. */
  readonly onLostReply: (point: string, answer: unknown) => void;
}

const never = <Answer>(): Promise<Answer> => new Promise<Answer>(() => {});

const unavailable =
  (point: string) =>
  (what: Lost): Error =>
    new ControlPlaneError("UNAVAILABLE", `The ${what} of ${point} was lost.`, { reason: "SIMULATED_FAULT" });

/** Carries out one call under a fault. Resolves to `dead` when the process does not outlive it. */
async function underFault<Answer>(
  options: LifeOptions,
  point: string,
  call: () => Promise<Answer>,
  lost: (what: Lost) => Error,
  crash: (why: string) => void,
  alive: () => boolean,
): Promise<Answer> {
  const { faults, history, clock, name, onLostReply } = options;
  const fault = faults.meets(point);
  if (fault === "none") return call();
  if (fault !== "down") history.add(name, `fault ${fault} at ${point}`);
  switch (fault) {
    case "down":
    case "drop-request":
      throw lost("request");
    case "drop-reply":
      onLostReply(point, await call());
      throw lost("reply");
    case "pause":
      await clock.sleep(PAUSE_MS);
      return alive() ? call() : never();
    case "crash-before":
      crash(`before ${point}`);
      return never();
    case "crash-after":
      await call();
      crash(`after ${point}`);
      return never();
  }
}

/** A process that lives until it crashes. */
export function createLife(options: LifeOptions): Life {
  const { clock, history, name, onCrash } = options;
  const death = Promise.withResolvers<"died">();
  let dead = false;
  let calls = 0;
  const alive = (): boolean => !dead;
  const crash = (why: string): void => {
    if (dead) return;
    dead = true;
    history.add(name, `crash ${why}`);
    onCrash();
    death.resolve("died");
  };
  /** Hands on what came of a call, unless nobody is there any more. */
  const orNever = async <Answer>(work: Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await work;
      return dead ? await never() : answer;
    } catch (error) {
      if (dead) return never();
      throw error;
    }
  };
  const through: Life["through"] = (point, call, lost = unavailable(point)) => {
    if (dead) return never();
    calls += 1;
    return orNever(underFault(options, point, call, lost, crash, alive));
  };
  return {
    name,
    alive,
    crash,
    died: death.promise,
    calls: () => calls,
    through,
    port: (port, target) =>
      new Proxy(target, {
        get(_, key): unknown {
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== "function" || typeof key !== "string") return value;
          return (...args: readonly unknown[]): unknown =>
            through(`${port}.${key}`, async () => (await Reflect.apply(value, target, args)) as unknown);
        },
      }),
    clock: { now: () => clock.now(), sleep: (ms, signal) => orNever(clock.sleep(ms, signal)) },
  };
}
