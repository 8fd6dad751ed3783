// Deliberately broken variants of the product: one line of one file is changed while it is loaded. The simulation must notice each.
import { registerHooks } from "node:module";
import { readFileSync } from "node:fs";

/** One broken variant. */
export interface Mutant {
  readonly name: string;
  /** Words of the law that it breaks, as the simulation puts it: "it never came to rest" would name no cause. */
  readonly law: string;
  readonly file: string;
  /** The text in the file, there exactly once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
}

const mutant = (name: string, law: string, file: string, from: string, to: string): Mutant => ({
  name,
  law,
  file,
  from,
  to,
});

/** All broken variants. */
export const MUTANTS: readonly Mutant[] = [
  mutant(
    "a batch is durable without its outbox",
    "was given to nobody",
    "shared/adapters/local/ledger.ts",
    `"INSERT INTO outbox (position, since, next_attempt) VALUES (last_insert_rowid(), ?, '')"`,
    `"INSERT INTO outbox (position, since, next_attempt, published) VALUES (last_insert_rowid(), ?, '', '2026')"`,
  ),
  mutant(
    "a fact counts as published before anyone has handled it",
    "counts as published before it was handled",
    "shared/runtime/outbox.ts",
    "await ports.bus.publish(row.fact);",
    "void ports.bus.publish(row.fact).catch(() => undefined);",
  ),
  mutant(
    "a timer never fires",
    "never fired",
    "services/relay/relay.ts",
    `const ready = due.filter(({ id }) => (failures.get(id)?.next ?? "") <= now);`,
    "const ready = due.slice(due.length);",
  ),
  mutant(
    "a timer counts as fired too early",
    "counts as fired before it was handled",
    "services/relay/relay.ts",
    "await bus.publish(timerDue(timer, time));",
    "void bus.publish(timerDue(timer, time)).catch(() => undefined);",
  ),
  mutant(
    "a lost reply is decided twice",
    "is decided twice",
    "shared/adapters/local/ledger.ts",
    "const { stream, cause } = batch;",
    "const { stream } = batch;\n  const cause = `${batch.cause}/${batch.expected}`;",
  ),
  mutant(
    "traffic goes to a backend whatever it answers",
    "gives traffic to",
    "shared/runtime/rollout-moves.ts",
    'if (state === "ready") return;',
    'if (state !== "failed") return;',
  ),
  mutant(
    "two applies of a stack run at a time",
    "starts while",
    "shared/domain/stack.ts",
    "if (state.blocked !== undefined || runningApply(state) !== undefined) return undefined;",
    "if (state.blocked !== undefined) return undefined;",
  ),
  mutant(
    "a plan that nobody approved is applied",
    "which nobody approved",
    "services/provisioner/applies.ts",
    "if (!isApproved(chosenState) && !sameAsApproved) return;",
    "",
  ),
  mutant(
    "an older push configures a stack",
    "approvals, main says",
    "shared/domain/stack.ts",
    `if (byOrder === "older") return ignored("a newer merge has configured this stack");`,
    "",
  ),
  mutant(
    "a transient failure refuses a delivery",
    "was refused",
    "services/webhook/receipt-queue.ts",
    "if (isTransient(error)) {",
    "if (isTransient(error) && ports.receipts === undefined) {",
  ),
  mutant(
    "a view skips the facts that it missed",
    "a rebuild changes the views",
    "shared/runtime/project.ts",
    "const missed = fact.version === seen + 1 ? { facts: [fact] } : await ledger.read(stream, seen);",
    "const missed = { facts: [fact] };",
  ),
  mutant(
    "a backend that serves is retired",
    "is stopped while it has traffic",
    "services/rollout/retire.ts",
    "versionWeights(document)[version] !== undefined ||\n",
    "",
  ),
];

const root = new URL("../../", import.meta.url);

/** The file with the change in it. Throws when the text is not there exactly once: then the mutant has to follow the code. */
export function mutate({ name, file, from, to }: Mutant): string {
  const source = readFileSync(new URL(file, root), "utf8");
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(`The mutant "${name}" finds its text ${parts.length - 1} times in ${file}: correct it.`);
  return parts.join(to);
}

/** Loads one file of the product broken from now on. */
export function breakProduct(name: string): void {
  const chosen = MUTANTS.find((each) => each.name === name);
  if (chosen === undefined) throw new Error(`There is no mutant "${name}".`);
  const url = new URL(chosen.file, root).href;
  const source = mutate(chosen);
  registerHooks({
    load: (loaded, context, next) =>
      loaded === url ? { format: "module-typescript", source, shortCircuit: true } : next(loaded, context),
  });
}
