// Work side by side, but one at a time per key: a slow or failing key delays only itself.

/** Lanes of work. */
export interface Lanes {
  /** Whether work with this key runs. */
  busy(key: string): boolean;
  /** Starts the work, or answers false when the key is busy or every lane is taken. */
  start(key: string, work: () => Promise<void>): boolean;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

/** At most `lanesMax` keys at once. Work never rejects: it deals with its own errors. `ended` hears of every lane that is free again. */
export function createLanes(lanesMax: number, ended: (key: string) => void = () => undefined): Lanes {
  const running = new Map<string, Promise<void>>();
  return {
    busy: (key) => running.has(key),
    start(key, work) {
      if (running.size >= lanesMax || running.has(key)) return false;
      running.set(
        key,
        work().finally(() => {
          running.delete(key);
          ended(key);
        }),
      );
      return true;
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
