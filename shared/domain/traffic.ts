// The traffic document: where an endpoint's requests go, and enough history to take them back without any other store.
import { backendName } from "./backend.ts";
import type { ErrorCode } from "./errors.ts";

/** Backend or version name → share of requests in percent; the sum is 100, or there is no entry before the first version. */
export type Weights = Readonly<Record<string, number>>;

/** Why weights moved. Only moves raise the epoch. */
export type MoveKind = "first" | "advance" | "rollback" | "abort" | "replace";

/** One move of traffic, as kept in the document. */
export interface Move {
  readonly epoch: number;
  readonly cause: string;
  readonly kind: MoveKind;
  readonly requestId?: string;
  readonly requestHash?: string;
  readonly actor: string;
  readonly reason: string;
  /** Model version → weight. */
  readonly from: Weights;
  readonly to: Weights;
  /** RFC 3339. */
  readonly time: string;
}

/** A version in good standing: it held 100 % and was not rolled back, rejected or quarantined since. */
export interface GoodVersion {
  /** Model version name. */
  readonly version: string;
  readonly backend: string;
  readonly state: "warm" | "cold";
  /** When it last reached 100 % or changed between warm and cold. */
  readonly since: string;
  /** How long its last start took until it was ready, noted when it became cold: what a rollback to it has to expect. */
  readonly preparedMs?: number;
}

/** How a warm-up ended: with its move, or not. */
export interface WarmUpEnd {
  /** RFC 3339. */
  readonly time: string;
  /** Of the move. */
  readonly epoch?: number;
  readonly failure?: { readonly code: ErrorCode; readonly reason: string; readonly message: string };
}

/** A rollback to a version that is scaled down: it is warmed, then traffic moves. */
export interface WarmUp {
  readonly id: string;
  /** Cause of the move to come. */
  readonly cause: string;
  /** The version that is to be left. */
  readonly from: string;
  /** The version that is warmed. */
  readonly to: string;
  readonly backend: string;
  readonly actor: string;
  readonly reason: string;
  readonly requestId?: string;
  readonly requestHash?: string;
  /** `false` where a rollout's policy does not hold the endpoint. */
  readonly hold?: boolean;
  /** RFC 3339 of the request. */
  readonly time: string;
  /** When it is expected to be ready. */
  readonly eta: string;
  /** Missing while it is under way. */
  readonly end?: WarmUpEnd;
}

/** Why an endpoint is held: no rollout starts or advances until someone resumes it. */
export interface Hold {
  readonly cause: string;
  readonly actor: string;
  readonly reason: string;
  readonly time: string;
}

/** The document. `weights` is by backend, the moves are by version; `backendName` leads from one to the other. */
export interface TrafficDocument {
  readonly schema: 1;
  /** Raised by every write. */
  readonly resourceVersion: number;
  /** Backend → percent, without zeros. */
  readonly weights: Weights;
  readonly traffic: {
    /** Raised by every move. */
    readonly epoch: number;
    /** The last `MOVES_MAX` moves, newest first. */
    readonly moves: readonly Move[];
    /** The last `GOOD_MAX` good versions; `good[0]` is the version at 100 % or last there. */
    readonly good: readonly GoodVersion[];
    readonly hold: Hold | null;
    /** The last `OPERATIONS_MAX` warm-ups, newest first; missing before the first. */
    readonly operations?: readonly WarmUp[];
  };
  /**
   * Backend → share that the store really sends, where somebody else has changed it since our last write. It is read and never
   * stored: any write puts the weights right and so ends it.
   */
  readonly drift?: Weights;
}

/** The document as it is stored. */
export function withoutDrift({
  schema,
  resourceVersion,
  weights,
  traffic,
}: TrafficDocument): TrafficDocument {
  return { schema, resourceVersion, weights, traffic };
}

/** Moves kept in the document. */
export const MOVES_MAX = 16;

/** Good versions kept in the document. */
export const GOOD_MAX = 5;

/** Warm-ups kept in the document, at most one of them under way. */
export const OPERATIONS_MAX = 4;

/** The document of an endpoint that no version has served yet; its first write creates it. */
export const EMPTY_TRAFFIC: TrafficDocument = {
  schema: 1,
  resourceVersion: 0,
  weights: {},
  traffic: { epoch: 0, moves: [], good: [], hold: null },
};

/** Where requests go now, by model version. */
export function versionWeights(document: TrafficDocument): Weights {
  return document.traffic.moves[0]?.to ?? {};
}

/** The version that alone holds all of these weights, or undefined. */
export function soleVersion(weights: Weights): string | undefined {
  const versions = Object.keys(weights);
  return versions.length === 1 ? versions[0] : undefined;
}

/** The version at 100 % now or, during a split, the one that held 100 % before it; undefined when none ever did. */
export function baseVersion(document: TrafficDocument): string | undefined {
  const { moves, good } = document.traffic;
  for (const move of moves) {
    const sole = soleVersion(move.to);
    if (sole !== undefined) return sole;
  }
  const oldest = moves.at(-1);
  return (oldest === undefined ? undefined : soleVersion(oldest.from)) ?? good[0]?.version;
}

/** Backend → model version, for every backend that has weight. */
export function servedVersions(endpoint: string, document: TrafficDocument): ReadonlyMap<string, string> {
  return new Map(
    Object.keys(versionWeights(document)).map((version) => [backendName(endpoint, version), version]),
  );
}
