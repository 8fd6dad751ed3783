// What a bus may do to a fact: deliver it again and late, or meet a service that cannot handle it at all, until somebody replays.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import type { Outside } from "./outside.ts";

/** Most copies of one fact that the bus delivers besides the first, and how late they come. */
const DUPLICATES_MAX = 4;
const DUPLICATE_LATE_MS_MAX = 12_000;
const DUPLICATE_CHANCE = 0.08;

/** Reason of a dead letter whose cause goes away. */
export const POISON = "SIMULATED_POISON";

/** Delivers some facts again, late, to whatever process lives then; so facts come out of order too. */
export function copyingBus(outside: Outside, bus: Bus, living: () => Bus | undefined): Bus {
  const { faults, random, time, history, delivered } = outside;
  const again = async (fact: AnyFact): Promise<void> => {
    await time.sleep(random.uniform() * DUPLICATE_LATE_MS_MAX);
    history.mark("a fact delivered again");
    try {
      await living()?.publish(fact);
    } catch {
      // A copy is nobody's to retry: the first delivery was handled.
    }
  };
  return {
    async publish(fact, only) {
      await bus.publish(fact, only);
      if (only === undefined) delivered.add(fact.id);
      if (faults.healed() || random.uniform() > DUPLICATE_CHANCE) return;
      const copies = 1 + Math.floor(random.uniform() * DUPLICATES_MAX);
      for (let copy = 0; copy < copies; copy++) void again(fact);
    },
  };
}

/** The service, but now and then a fact meets it on a bad day: then it becomes a dead letter. */
export function poisoned({ faults, history }: Outside, service: FactService): FactService {
  return {
    ...service,
    async handle(fact) {
      if (faults.poisons()) {
        history.add("bus", `${service.name} refuses ${fact.type} of ${fact.subject} for good`);
        history.mark("a dead letter");
        const message = `${service.name} cannot read ${fact.id}.`;
        throw new ControlPlaneError("INVALID_ARGUMENT", message, { reason: POISON });
      }
      await service.handle(fact);
    },
  };
}
