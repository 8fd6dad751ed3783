// Recording and replaying: a cassette keeps what a driver answered, so that a run can be repeated without the world.
import type { EffectRequest, EffectResult } from "../machine/request.ts";
import type { Perform } from "./execute.ts";

/** One answered request. */
export interface Take {
  readonly request: EffectRequest;
  readonly result: EffectResult;
}

/** A request came that the cassette does not hold, or not like this. */
export class CassetteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CassetteError";
  }
}

/** A driver that keeps every answer of another one. Takes are plain JSON. */
export function createRecordingDriver(perform: Perform): {
  readonly perform: Perform;
  readonly takes: readonly Take[];
} {
  const takes: Take[] = [];
  return {
    takes,
    perform: async (request, signal) => {
      const result = await perform(request, signal);
      takes.push({ request, result });
      return result;
    },
  };
}

/** A driver that answers from takes, by the id of the request. It rejects with CassetteError where the run departs from them. */
export function createReplayDriver(takes: readonly Take[]): { readonly perform: Perform } {
  const known = new Map(takes.map((take) => [take.request.id, take]));
  return {
    perform: async (request) => {
      const take = known.get(request.id);
      const where = `step ${JSON.stringify(request.step)} (line ${request.line})`;
      if (take === undefined)
        throw new CassetteError(`the cassette has no ${summary(request)} of ${where}; record it again`);
      if (fingerprint(take.request) !== fingerprint(request)) {
        throw new CassetteError(
          `${where} asks ${summary(request)}, the cassette has ${summary(take.request)}; record it again`,
        );
      }
      return take.result;
    },
  };
}

function summary(request: EffectRequest): string {
  return request.kind === "http" ? `${request.method} ${request.url}` : request.kind;
}

/** What must be the same: everything but the place in the file, which moves when lines are added. */
function fingerprint(request: EffectRequest): string {
  const { line: _, ...rest } = request;
  return JSON.stringify(Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
