// What the page shows, read at once. A part that cannot be read is shown as such; the others are shown all the same.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { TrafficDocument } from "../../shared/domain/traffic.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { DeadLetter, DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import type { ViewDocument, Views } from "../../shared/ports/views.ts";
import { textOf } from "./fields.ts";

/** Documents of one collection that the page reads. */
export const DOCUMENTS_READ_MAX = 500;
/** Dead letters that the page shows. */
export const LETTERS_SHOWN_MAX = 15;
/** Facts that the page shows. */
export const FACTS_SHOWN_MAX = 20;

/** What the page reads. */
export interface ConsolePorts {
  readonly clock: Clock;
  readonly views: Pick<Views, "list">;
  readonly ledger: Pick<Ledger, "list">;
  readonly traffic: Pick<Traffic, "list" | "read">;
  readonly deadLetters: Pick<DeadLetters, "list">;
}

/** Something that was read, or why it could not be. */
export type Readable<Value> = { readonly value: Value } | { readonly problem: string };

/** An endpoint: its traffic document, which is the truth, and its view, which says more. Either may be missing. */
export interface EndpointData {
  readonly name: string;
  readonly traffic?: TrafficDocument;
  readonly view?: ViewDocument;
}

/** Everything on the page. */
export interface PageData {
  readonly now: Date;
  readonly endpoints: Readable<readonly EndpointData[]>;
  readonly rollouts: Readable<readonly ViewDocument[]>;
  readonly stacks: Readable<readonly ViewDocument[]>;
  readonly plans: Readable<readonly ViewDocument[]>;
  readonly models: Readable<readonly ViewDocument[]>;
  readonly runs: Readable<readonly ViewDocument[]>;
  readonly facts: Readable<readonly AnyFact[]>;
  readonly deadLetters: Readable<{ readonly letters: readonly DeadLetter[]; readonly total: number }>;
}

async function readable<Value>(read: () => Promise<Value>): Promise<Readable<Value>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The value, or this instead. */
export function valueOr<Value>(read: Readable<Value>, otherwise: Value): Value {
  return "value" in read ? read.value : otherwise;
}

async function documents(views: ConsolePorts["views"], collection: string): Promise<readonly ViewDocument[]> {
  const found = await views.list({ collection, limit: DOCUMENTS_READ_MAX });
  return found.map(({ document }) => document);
}

const newestFirst = (all: readonly ViewDocument[]): readonly ViewDocument[] =>
  all.toSorted((one, other) => (textOf(other, "createTime") > textOf(one, "createTime") ? 1 : -1));

async function endpoints({ traffic, views }: ConsolePorts): Promise<readonly EndpointData[]> {
  const [names, known] = await Promise.all([traffic.list(), readable(() => documents(views, "endpoints"))]);
  const byName = new Map(valueOr(known, []).map((view) => [textOf(view, "name"), view]));
  const all = [...new Set([...names, ...byName.keys()])].sort();
  return Promise.all(
    all.slice(0, DOCUMENTS_READ_MAX).map(async (name) => {
      const document = await traffic.read(name);
      const view = byName.get(name);
      return {
        name,
        ...(document === undefined ? {} : { traffic: document }),
        ...(view === undefined ? {} : { view }),
      };
    }),
  );
}

/** Reads the page's data. Never rejects. */
export async function readPage(ports: ConsolePorts): Promise<PageData> {
  const { clock, views, ledger, deadLetters } = ports;
  const list = (collection: string) => readable(async () => newestFirst(await documents(views, collection)));
  const [endpointsRead, rollouts, stacks, plans, models, runs, facts, letters] = await Promise.all([
    readable(() => endpoints(ports)),
    list("rollouts"),
    readable(() => documents(views, "stacks")),
    list("plans"),
    readable(() => documents(views, "models")),
    list("runs"),
    readable(async () => (await ledger.list({ limit: FACTS_SHOWN_MAX, order: "newest-first" })).facts),
    readable(() => deadLetters.list(LETTERS_SHOWN_MAX)),
  ]);
  return {
    now: clock.now(),
    endpoints: endpointsRead,
    rollouts,
    stacks,
    plans,
    models,
    runs,
    facts,
    deadLetters: letters,
  };
}
