// The ledger is whole: no version of a stream is missing, every fact has a cause, everything was published, every timer has fired.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Outside } from "./outside.ts";

/** Text that must never be written down anywhere: the token that workflows call with. */
export const SECRET = "a.workflow.token";

/** Versions of every stream go up by one from one decision to the next; ids are unique. */
export function streamProblems({ facts, db }: Outside): readonly string[] {
  const problems: string[] = [];
  const latest = new Map<string, number>();
  const ids = new Set<string>();
  for (const { id, subject, version, cause } of facts) {
    if (version <= (latest.get(subject) ?? 0)) problems.push(`${subject} goes back to version ${version}`);
    if (cause === "") problems.push(`${subject} v${version} has no cause`);
    if (ids.has(id)) problems.push(`${id} is there twice`);
    latest.set(subject, version);
    ids.add(id);
  }
  const decisions = db.rows(
    "SELECT stream, version, MAX(facts, 1) AS versions FROM causes ORDER BY stream, version",
  ) as readonly { stream: string; version: number; versions: number }[];
  const next = new Map<string, number>();
  for (const { stream, version, versions } of decisions) {
    const expected = next.get(stream) ?? 1;
    if (version !== expected) problems.push(`${stream} has version ${version} where ${expected} should be`);
    next.set(stream, version + versions);
  }
  for (const [stream, version] of latest)
    if (version >= (next.get(stream) ?? 0)) problems.push(`${stream} v${version} belongs to no decision`);
  return problems;
}

/** Every fact was given to everybody who wants it, every row of the outbox is published, and every timer has fired. */
export function outboxProblems({ db, facts, delivered }: Outside): readonly string[] {
  const rows = db.rows(
    "SELECT f.type, f.stream AS subject FROM facts f LEFT JOIN outbox o ON o.position = f.position WHERE o.published IS NULL",
  ) as readonly { type: string; subject: string }[];
  const timers = db.rows("SELECT stream, name FROM timers WHERE fired IS NULL") as readonly {
    stream: string;
    name: string;
  }[];
  const missed = facts.filter(({ id }) => !delivered.has(id));
  return [
    ...missed.map(({ type, subject, version }) => `${type} of ${subject} v${version} was given to nobody`),
    ...rows.map(({ type, subject }) => `${type} of ${subject} was never published`),
    ...timers.map(({ stream, name }) => `the timer ${name} of ${stream} never fired`),
  ];
}

/** No secret stands in a fact. */
export function secretProblems(facts: readonly AnyFact[]): readonly string[] {
  return facts
    .filter((fact) => JSON.stringify(fact).includes(SECRET))
    .map(({ type, subject }) => `${type} of ${subject} holds a secret`);
}
