// Someone outside who calls the control plane and does not give up: the code host's webhook, a trainer, a person.
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { Outside } from "./outside.ts";
import type { Process } from "./process.ts";

/** Tries of one call; far more than the outages of a history take. */
const TRIES_MAX = 400;
/** Time after which a caller stops to wait for an answer. */
const ANSWER_MS_MAX = 15_000;
/** Pause before the next try, which grows. */
const PAUSE_MS = { first: 1_500, last: 60_000, growth: 1.3 } as const;

/** What callers need to know of the world. */
export interface Callers {
  readonly outside: Outside;
  readonly living: () => Process | undefined;
}

type Outcome<Answer> = { readonly answer: Answer } | { readonly error: unknown };

async function once<Answer>(
  { outside, living }: Callers,
  work: (process: Process) => Promise<Answer>,
): Promise<Outcome<Answer>> {
  const process = living();
  const gone = { error: new ControlPlaneError("UNAVAILABLE", "No answer.", { reason: "NO_ANSWER" }) };
  if (process === undefined) return gone;
  const answered = work(process).then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
  const patience = new AbortController();
  const tired = outside.time.sleep(ANSWER_MS_MAX, patience.signal).then(() => gone);
  const outcome = await Promise.race([answered, process.life.died.then(() => gone), tired]);
  patience.abort();
  return outcome;
}

/**
 * Calls until there is an answer or a refusal that no repetition mends; answers undefined then. Every try is the same request,
 * so each call must be safe to repeat.
 */
export async function persist<Answer>(
  callers: Callers,
  who: string,
  what: string,
  work: (process: Process) => Promise<Answer>,
): Promise<Answer | undefined> {
  const { history, time, broken } = callers.outside;
  history.add(who, what);
  for (let tried = 0; tried < TRIES_MAX; tried++) {
    const outcome = await once(callers, work);
    if ("answer" in outcome) return outcome.answer;
    const { error } = outcome;
    if (!(error instanceof ControlPlaneError))
      broken(`${what}: ${error instanceof Error ? error.stack : "thrown"}`);
    if (!isTransient(error)) {
      history.add(who, `${what}: refused ${(error as ControlPlaneError).reason}`);
      return undefined;
    }
    await time.sleep(Math.min(PAUSE_MS.last, PAUSE_MS.first * PAUSE_MS.growth ** tried));
  }
  broken(`${who} never got an answer: ${what}`);
  return undefined;
}
