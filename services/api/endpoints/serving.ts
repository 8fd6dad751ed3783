// What an endpoint served at a time: from the traffic document while it reaches back far enough, else from the record.
import { notFound } from "../../../shared/domain/errors.ts";
import type { Move, TrafficDocument } from "../../../shared/domain/traffic.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Traffic } from "../../../shared/ports/traffic.ts";
import type { ViewDocument, Views } from "../../../shared/ports/views.ts";

/** Collection of the read model of what served when. */
export const SERVING_INTERVALS = "servingIntervals";

/** Intervals read at once while looking for a time. */
const INTERVALS_PER_READ = 200;

/** Reads of one question: 20,000 moves of one endpoint. */
const READS_MAX = 100;

/** What the question needs. */
export interface ServingPorts {
  readonly clock: Clock;
  readonly traffic: Traffic;
  readonly views: Pick<Views, "list">;
}

/** What served: one version, or several with their shares during a split; none before the first. */
export interface Serving {
  readonly endpoint: string;
  readonly at: string;
  readonly epoch: number;
  readonly versions: readonly { readonly modelVersion: string; readonly percent: number }[];
  readonly startTime: string;
  /** Null while it still serves. */
  readonly endTime: string | null;
  /** False where moves are missing from the record, so that something else may have served in between. */
  readonly certain: boolean;
}

const shares = (weights: Readonly<Record<string, number>>): Serving["versions"] =>
  Object.entries(weights)
    .filter(([, percent]) => percent > 0)
    .map(([modelVersion, percent]) => ({ modelVersion, percent }))
    .toSorted((one, other) => other.percent - one.percent);

function fromMoves(endpoint: string, at: string, moves: readonly Move[]): Serving | undefined {
  const index = moves.findIndex(({ time }) => Date.parse(time) <= Date.parse(at));
  const move = moves[index];
  if (move === undefined) return undefined;
  const next = moves[index - 1];
  const { epoch, to, time } = move;
  const certain = next === undefined || next.epoch === epoch + 1;
  return { endpoint, at, epoch, versions: shares(to), startTime: time, endTime: next?.time ?? null, certain };
}

const asText = (value: unknown): string => (typeof value === "string" ? value : "");

function fromInterval(endpoint: string, at: string, interval: ViewDocument): Serving {
  const { epoch, weights, startTime, endTime, certain } = interval;
  return {
    endpoint,
    at,
    epoch: Number(epoch),
    versions: shares(weights as Readonly<Record<string, number>>),
    startTime: asText(startTime),
    endTime: endTime === null ? null : asText(endTime),
    certain: certain !== false,
  };
}

async function fromRecord(
  { views }: ServingPorts,
  endpoint: string,
  at: string,
): Promise<Serving | undefined> {
  let after: string | undefined;
  for (let read = 0; read < READS_MAX; read += 1) {
    const page = await views.list({
      collection: SERVING_INTERVALS,
      prefix: `${endpoint}@`,
      limit: INTERVALS_PER_READ,
      order: "descending",
      ...(after === undefined ? {} : { after }),
    });
    const found = page.find(({ document }) => Date.parse(asText(document["startTime"])) <= Date.parse(at));
    if (found !== undefined) return fromInterval(endpoint, at, found.document);
    after = page.at(-1)?.key;
    if (page.length < INTERVALS_PER_READ) return undefined;
  }
  return undefined;
}

/**
 * What served at a time (RFC 3339; default: now). The document is asked first: it is right also while the record lags behind.
 * Errors: NOT_FOUND before the first move of the endpoint.
 */
export async function resolveServing(ports: ServingPorts, endpoint: string, time?: string): Promise<Serving> {
  const at = time ?? ports.clock.now().toISOString();
  const document: TrafficDocument | undefined = await ports.traffic.read(endpoint);
  const live = document === undefined ? undefined : fromMoves(endpoint, at, document.traffic.moves);
  const serving = live ?? (await fromRecord(ports, endpoint, at));
  if (serving !== undefined) return serving;
  throw notFound(
    `What ${endpoint} served at ${at}`,
    "No version had traffic then: ask for a later time, or for an endpoint that the list has.",
  );
}
