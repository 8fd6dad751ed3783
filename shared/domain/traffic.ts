// The traffic document: where an endpoint's requests go, and enough history to take them back without any other store.

/** Backend or version name → share of requests in percent; the sum is 100, or 0 before the first version. */
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
  readonly since: string;
}

/** Why an endpoint is held: no rollout starts or advances until someone resumes it. */
export interface Hold {
  readonly cause: string;
  readonly actor: string;
  readonly reason: string;
  readonly time: string;
}

/** The document. `weights` is by backend name; `backends` names the version that each weighted or good backend serves. */
export interface TrafficDocument {
  readonly schema: 1;
  /** Raised by every write. */
  readonly resourceVersion: number;
  /** Backend → percent. */
  readonly weights: Weights;
  readonly traffic: {
    /** Raised by every move. */
    readonly epoch: number;
    /** The last `MOVES_MAX` moves, newest first. */
    readonly moves: readonly Move[];
    /** The last `GOOD_MAX` good versions; `good[0]` is the version at 100 % or last there. */
    readonly good: readonly GoodVersion[];
    readonly hold: Hold | null;
  };
}

/** Moves kept in the document. */
export const MOVES_MAX = 16;

/** Good versions kept in the document. */
export const GOOD_MAX = 5;
