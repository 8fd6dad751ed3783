// What every chapter of the tour stands on: the running control plane as its users see it, over HTTP only.
import type { Narrator } from "./narrator.ts";

/** A step that did not do what it says. */
export class TourError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TourError";
  }
}

/** People of the tour. */
export type PersonName = "admin" | "ada" | "grace";

/** What the tour is given. */
export interface TourOptions {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly tokens: Readonly<Record<PersonName, string>>;
  readonly webhookSecret: string;
  /** Folder for the tour's working clone. */
  readonly work: string;
  /** Bare repository of the tour. */
  readonly bare: string;
  /** Folder under the artifact roots for models and datasets. */
  readonly artifacts: string;
  /** The example platform of this repository. */
  readonly example: string;
  /** Where Ray answers; undefined when there is none. */
  readonly ray: string | undefined;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
  /** Services are killed meanwhile: a request to a model may fail while the gateway is away, and is no failure of a step. */
  readonly interrupted?: boolean;
}

/** JSON as the API answers it. */
export type Answer = Readonly<Record<string, unknown>>;

/** The stage: options, and calls in somebody's name. */
export interface Stage extends TourOptions {
  get(path: string, as?: PersonName): Promise<Answer>;
  find(path: string, as?: PersonName): Promise<Answer | undefined>;
  list(path: string, as?: PersonName): Promise<readonly Answer[]>;
  post(path: string, body: unknown, as?: PersonName): Promise<Answer>;
  /** Asks until the answer is there; a TourError names what did not happen in time. */
  until<Value>(what: string, probe: () => Promise<Value | undefined>, timeoutMs?: number): Promise<Value>;
}

const POLL_MS = 50;
const UNTIL_MS = 60_000;
const CALL_MS = 15_000;

/** Makes the stage. */
export function createStage(options: TourOptions): Stage {
  const { url, tokens, signal } = options;
  const call = async (
    method: string,
    path: string,
    as: PersonName,
    body?: unknown,
  ): Promise<{ status: number; answer: Answer }> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tokens[as]}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]),
    });
    const text = await response.text();
    return { status: response.status, answer: text === "" ? {} : (JSON.parse(text) as Answer) };
  };
  const checked = async (method: string, path: string, as: PersonName, body?: unknown): Promise<Answer> => {
    const { status, answer } = await call(method, path, as, body);
    if (status >= 400) throw new TourError(`${method} ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    ...options,
    get: (path, as = "admin") => checked("GET", path, as),
    async find(path, as = "admin") {
      const { status, answer } = await call("GET", path, as);
      if (status === 404) return undefined;
      if (status >= 400) throw new TourError(`GET ${path} answered ${status}: ${JSON.stringify(answer)}`);
      return answer;
    },
    async list(path, as = "admin") {
      const answer = await checked("GET", path, as);
      return (Object.values(answer).find((value) => Array.isArray(value)) ?? []) as readonly Answer[];
    },
    post: (path, body, as = "admin") => checked("POST", path, as, body),
    async until(what, probe, timeoutMs = UNTIL_MS) {
      for (const end = performance.now() + timeoutMs; performance.now() < end;) {
        if (signal.aborted) throw new TourError("The tour was stopped.");
        const value = await probe();
        if (value !== undefined) return value;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      throw new TourError(`It did not happen within ${timeoutMs / 1000} s: ${what}`);
    },
  };
}
