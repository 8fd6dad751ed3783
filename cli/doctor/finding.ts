// What the doctor finds.

/** One thing that was looked at: how it is, and what to do. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warning" | "failure" | "skipped";
  readonly what: string;
  /** What to do; empty when nothing is. */
  readonly remedy: string;
}

/** As it should be. */
export const fine = (check: string, what: string): Finding => ({ check, state: "ok", what, remedy: "" });

/** To be mended soon. */
export const warning = (check: string, what: string, remedy: string): Finding => ({
  check,
  state: "warning",
  what,
  remedy,
});

/** Broken now. */
export const failure = (check: string, what: string, remedy: string): Finding => ({
  check,
  state: "failure",
  what,
  remedy,
});

/** Not looked at, and why. */
export const skipped = (check: string, what: string): Finding => ({
  check,
  state: "skipped",
  what,
  remedy: "",
});

/** Looks; a check that itself breaks is a finding too, so that the others are still heard. */
export async function look(
  check: string,
  remedy: string,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [failure(check, error instanceof Error ? error.message : String(error), remedy)];
  }
}
