// What every service that lives on facts looks like to whoever carries facts to it.
import type { AnyFact } from "../domain/fact.ts";
import type { FactType } from "../domain/facts.ts";

/**
 * A service that reacts to facts. Facts come at least once and in no promised order: `handle` acts on state folded from the
 * ledger, and handling the same fact again changes nothing.
 */
export interface FactService {
  readonly name: string;
  /** The types it is given. */
  readonly inputs: readonly FactType[];
  /** Resolves when the fact is handled or of no interest; throws a ControlPlaneError that says whether to try again. */
  handle(fact: AnyFact): Promise<void>;
  /** Puts right what no fact will tell (a lost process, a missed move). Called every second or so: cheap, safe to repeat. */
  reconcile?(): Promise<void>;
  /**
   * Resolves when nothing that a pass started is on its way any more. The call of a schedule is answered after it: on Cloud Run
   * there is no processor after the answer.
   */
  idle?(): Promise<void>;
  /** What a schedule calls besides, more seldom: path, such as `/redeliveries`, to the work. Safe to repeat, as all is. */
  readonly schedules?: Readonly<Record<string, () => Promise<void>>>;
}
