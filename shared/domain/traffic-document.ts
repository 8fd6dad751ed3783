// Reading a traffic document: what may stand in one, and the invariants that every write keeps.
import { Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { Value } from "typebox/value";
import { backendName } from "./backend.ts";
import { ERROR_CODES, type ErrorCode } from "./errors.ts";
import {
  GOOD_MAX,
  MOVES_MAX,
  OPERATIONS_MAX,
  versionWeights,
  type TrafficDocument,
  type Weights,
} from "./traffic.ts";

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });
const Percents = Type.Record(Type.String(), Type.Integer({ minimum: 1, maximum: 100 }));

const MoveSchema = Type.Object(
  {
    epoch: Type.Integer({ minimum: 1 }),
    cause: Text,
    kind: Type.Enum(["first", "advance", "rollback", "abort", "replace"]),
    requestId: Type.Optional(Type.String()),
    requestHash: Type.Optional(Type.String()),
    actor: Text,
    reason: Type.String(),
    from: Percents,
    to: Percents,
    time: Text,
  },
  strict,
);

const GoodSchema = Type.Object(
  {
    version: Text,
    backend: Text,
    state: Type.Enum(["warm", "cold"]),
    since: Text,
    preparedMs: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  strict,
);

const WarmUpSchema = Type.Object(
  {
    id: Text,
    cause: Text,
    from: Text,
    to: Text,
    backend: Text,
    actor: Text,
    reason: Type.String(),
    requestId: Type.Optional(Type.String()),
    requestHash: Type.Optional(Type.String()),
    hold: Type.Optional(Type.Boolean()),
    time: Text,
    eta: Text,
    end: Type.Optional(
      Type.Object(
        {
          time: Text,
          epoch: Type.Optional(Type.Integer({ minimum: 1 })),
          failure: Type.Optional(
            Type.Object(
              {
                code: Type.Enum(Object.keys(ERROR_CODES) as ErrorCode[]),
                reason: Text,
                message: Type.String(),
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
);

const HoldSchema = Type.Object({ cause: Text, actor: Text, reason: Type.String(), time: Text }, strict);

const DocumentSchema = Type.Object(
  {
    schema: Type.Literal(1),
    resourceVersion: Type.Integer({ minimum: 0 }),
    weights: Percents,
    traffic: Type.Object(
      {
        epoch: Type.Integer({ minimum: 0 }),
        moves: Type.Array(MoveSchema, { maxItems: MOVES_MAX }),
        good: Type.Array(GoodSchema, { maxItems: GOOD_MAX }),
        hold: Type.Union([HoldSchema, Type.Null()]),
        operations: Type.Optional(Type.Array(WarmUpSchema, { maxItems: OPERATIONS_MAX })),
      },
      strict,
    ),
  },
  strict,
);

/** Compiled at the first document: every look at an endpoint reads one, and walking the schema took most of it. */
let compiled: Pick<Validator, "Check"> | undefined;

function hasShape(value: unknown): value is TrafficDocument {
  compiled ??= Compile(DocumentSchema);
  return compiled.Check(value);
}

/** Problems that are told at once. */
export const PROBLEMS_MAX = 5;

const isSplit = (weights: Weights): boolean => {
  const percents = Object.values(weights);
  return percents.length === 0 || percents.reduce((total, percent) => total + percent, 0) === 100;
};

function sameWeights(one: Weights, other: Weights): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

/** What is wrong with a document of the right shape; empty when every invariant holds. */
export function trafficProblems(endpoint: string, document: TrafficDocument): readonly string[] {
  const { epoch, moves, good } = document.traffic;
  const problems: string[] = [];
  if (moves.length !== Math.min(epoch, MOVES_MAX)) problems.push(`epoch ${epoch} has ${moves.length} moves`);
  for (const [index, move] of moves.entries()) {
    const older = moves[index + 1];
    if (move.epoch !== epoch - index)
      problems.push(`move ${index} has epoch ${move.epoch}, not ${epoch - index}`);
    if (!isSplit(move.from) || !isSplit(move.to)) problems.push(`epoch ${move.epoch} does not sum to 100`);
    if (older !== undefined && !sameWeights(older.to, move.from)) {
      problems.push(`epoch ${move.epoch} does not start where epoch ${older.epoch} ended`);
    }
  }
  const byBackend = Object.fromEntries(
    Object.entries(versionWeights(document)).map(([version, percent]) => [
      backendName(endpoint, version),
      percent,
    ]),
  );
  if (!sameWeights(byBackend, document.weights)) problems.push("the weights are not those of the last move");
  if (new Set(good.map((entry) => entry.version)).size !== good.length)
    problems.push("a good version stands twice");
  const open = (document.traffic.operations ?? []).filter(({ end }) => end === undefined);
  if (open.length > 1) problems.push(`${open.length} warm-ups are under way`);
  for (const entry of good) {
    if (entry.backend !== backendName(endpoint, entry.version)) {
      problems.push(`${entry.version} names the backend ${entry.backend}, which is not its own`);
    }
    if (entry.state === "cold" && versionWeights(document)[entry.version] !== undefined) {
      problems.push(`${entry.version} serves and is marked cold`);
    }
  }
  return problems;
}

/** A stored value as a document, or what is wrong with it (at most `PROBLEMS_MAX` problems). */
export function parseTrafficDocument(
  endpoint: string,
  value: unknown,
):
  | { readonly kind: "document"; readonly document: TrafficDocument }
  | { readonly kind: "problems"; readonly problems: readonly string[] } {
  if (!hasShape(value)) {
    const problems = [...Value.Errors(DocumentSchema, value)].map(
      (error) => `${error.instancePath || "/"} ${error.message}`,
    );
    return { kind: "problems", problems: problems.slice(0, PROBLEMS_MAX) };
  }
  const problems = trafficProblems(endpoint, value);
  if (problems.length > 0) return { kind: "problems", problems: problems.slice(0, PROBLEMS_MAX) };
  return { kind: "document", document: value };
}
