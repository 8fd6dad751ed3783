// The seam between a simulated process and everything outside it: each call of a port may be lost, late, or the process's last.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { type Faults, PAUSE_MS } from "./faults.ts";
import type { History } from "./history.ts";
import type { SimulatedTime } from "./time.ts";

/** One life of the simulated process: from a start to a crash. After the crash its promises never resolve. */
export interface Life {
  readonly name: string;
  alive(): boolean;
  /** Calls of ports that it has begun. */
  calls(): number;
  crash(why: string): void;
  /** Resolves at the crash. */
  readonly died: Promise<"died">;
  /** A port as this life sees it. */
  port<Port extends object>(name: string, target: Port): Port;
  /** One call through the seam. `lost` makes the error for a request or a reply that is lost. */
  through<Answer>(point: string, call: () => Promise<Answer>, options?: CallOptions): Promise<Answer>;
  /** Time as this life sees it: its host's clock may be off, and a sleeper of a dead process is never woken. */
  readonly clock: Clock;
}

/** What is special about one call. */
export interface CallOptions {
  readonly lost?: (what: Lost) => Error;
  /** What the call asks about: a stale answer is one that was given about the same before. */
  readonly about?: string;
}

/** What was lost of a call. */
export type Lost = "request" | "reply";

/** What a life needs. */
export interface LifeOptions {
  readonly name: string;
  readonly time: SimulatedTime;
  readonly faults: Faults;
  readonly history: History;
  /** The call at which this life ends, if the history says so. */
  readonly crashAt: { readonly call: number; readonly after: boolean } | undefined;
  readonly onCrash: () => void;
  /** Told about every call whose reply was lost although it happened. */
  readonly onLostReply: (point: string, answer: unknown) => void;
}

const never = <Answer>(): Promise<Answer> => new Promise<Answer>(() => {});

const unavailable =
  (point: string) =>
  (what: Lost): Error =>
    new ControlPlaneError("UNAVAILABLE", `The ${what} of ${point} was lost.`, { reason: "SIMULATED_FAULT" });

interface Dying {
  crash(why: string): void;
  alive(): boolean;
  /** Answers by what they were about, for those that come stale. */
  readonly answers: Map<string, unknown>;
}

async function answered<Answer>(
  { answers }: Dying,
  key: string | undefined,
  call: () => Promise<Answer>,
): Promise<Answer> {
  const answer = await call();
  if (key !== undefined) answers.set(key, answer);
  return answer;
}

/** Carries out one call under a fault; it never resolves when the process does not outlive it. */
async function underFault<Answer>(
  { faults, history, time, name, onLostReply }: LifeOptions,
  dying: Dying,
  point: string,
  call: () => Promise<Answer>,
  { lost = unavailable(point), about }: CallOptions,
  forced: "crash-before" | "crash-after" | undefined,
): Promise<Answer> {
  const fault = forced ?? faults.meets(point);
  const key = about === undefined ? undefined : `${point} ${about}`;
  if (fault === "none") return answered(dying, key, call);
  if (fault !== "down") history.add(name, `fault ${fault} at ${point}`);
  switch (fault) {
    case "down":
    case "drop-request":
      throw lost("request");
    case "drop-reply":
      onLostReply(point, await call());
      throw lost("reply");
    case "pause":
      await time.sleep(PAUSE_MS);
      return dying.alive() ? call() : never();
    case "delay":
      history.mark("a call later than every time limit");
      await time.sleep(faults.delayMs());
      // What was sent before a crash arrives all the same, but not a write of the process's own database.
      return dying.alive() || point !== "journal.write" ? call() : never();
    case "stale":
      if (key === undefined || !dying.answers.has(key)) return answered(dying, key, call);
      history.mark(`a stale answer of ${point}`);
      return dying.answers.get(key) as Answer;
    case "crash-before":
      dying.crash(`before ${point}`);
      return never();
    case "crash-after":
      await call();
      dying.crash(`after ${point}`);
      return never();
  }
}

/** A process that lives until it crashes. */
export function createLife(options: LifeOptions): Life {
  const { time, faults, history, name, onCrash, crashAt } = options;
  const death = Promise.withResolvers<"died">();
  const skewMs = faults.skewMs();
  if (skewMs !== 0) {
    history.add(name, `its clock is off by ${skewMs} ms`);
    history.mark(skewMs > 0 ? "a clock ahead" : "a clock behind");
  }
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
  const dying: Dying = { crash, alive, answers: new Map() };
  /** Hands on what came of a call, unless nobody is there any more. */
  const orNever = async <Answer>(work: Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await work;
      time.stir();
      return dead ? await never() : answer;
    } catch (error) {
      time.stir();
      if (dead) return never();
      throw error;
    }
  };
  const through: Life["through"] = (point, call, how = {}) => {
    if (dead) return never();
    calls += 1;
    time.stir();
    const now = crashAt?.call === calls ? (crashAt.after ? "crash-after" : "crash-before") : undefined;
    return orNever(underFault(options, dying, point, call, how, now));
  };
  return {
    name,
    alive,
    calls: () => calls,
    crash,
    died: death.promise,
    through,
    port: (port, target) =>
      new Proxy(target, {
        get(_, key): unknown {
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== "function" || typeof key !== "string") return value;
          return (...args: readonly unknown[]): unknown =>
            through(
              `${port}.${key}`,
              async () => (await Reflect.apply(value, target, args)) as unknown,
              typeof args[0] === "string" ? { about: args[0] } : {},
            );
        },
      }),
    clock: {
      // A host whose clock is off is put right when the world heals.
      now: () => (faults.healed() ? time.now() : new Date(time.now().getTime() + skewMs)),
      sleep: (ms, signal) => orNever(time.sleep(ms, signal)),
    },
  };
}
