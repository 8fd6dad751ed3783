// A port that can go down while the system runs: it fails every call, or never answers until it is back.
import { ControlPlaneError } from "../../shared/domain/errors.ts";

/** How a port is down. */
export type Outage = "fails" | "silent";

/** A port with a switch. */
export interface Breakable<Port extends object> {
  readonly port: Port;
  breaks(how: Outage): void;
  /** Back again. Calls that were never answered fail now, as they do when a connection is reset. */
  mend(): void;
  /** Calls that met the outage. */
  met(): number;
  /** What stands behind the port from now on. */
  replace(port: Port): void;
}

const down = (name: string): ControlPlaneError =>
  new ControlPlaneError("UNAVAILABLE", `${name} is down: this test broke it.`, { reason: "BROKEN_BY_TEST" });

/** Puts a switch in front of every method of a port. */
export function breakable<Port extends object>(name: string, first: Port): Breakable<Port> {
  let target = first;
  let outage: Outage | undefined;
  let met = 0;
  const unanswered = new Set<(error: Error) => void>();

  const meetOutage = (): Promise<never> => {
    met += 1;
    if (outage === "fails") return Promise.reject(down(name));
    return new Promise((_, reject) => unanswered.add(reject));
  };
  const port = new Proxy(first, {
    get(_, key): unknown {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]): unknown =>
        outage === undefined ? Reflect.apply(value, target, args) : meetOutage();
    },
  });
  return {
    port,
    breaks(how) {
      outage = how;
      met = 0;
    },
    mend() {
      outage = undefined;
      for (const reject of unanswered) reject(down(name));
      unanswered.clear();
    },
    met: () => met,
    replace(next) {
      target = next;
    },
  };
}
