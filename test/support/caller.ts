// Calls to a running control plane in somebody's name, over HTTP, as its users make them.
import { until } from "./until.ts";

/** JSON as the API answers it. */
export type Answer = Readonly<Record<string, unknown>>;

/** An answer with its status. */
export interface Reply {
  readonly status: number;
  readonly answer: Answer;
}

/** People of every test installation. */
export type Person = "admin" | "ada" | "grace";

/** What a call is made with besides its path. */
export interface CallOptions {
  readonly as?: Person;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

/** Calls in somebody's name. */
export interface Caller {
  /** The answer whatever its status. */
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  /** The resource, or undefined when there is none; throws for every other error. */
  find(path: string): Promise<Answer | undefined>;
  /** The resources of a list. */
  list(path: string): Promise<readonly Answer[]>;
  /** Throws unless the answer is 2xx. */
  post(path: string, body: unknown, as?: Person): Promise<Answer>;
  /** Polls a resource until it is as wanted. */
  awaits(
    what: string,
    path: string,
    wanted: (resource: Answer) => boolean,
    timeoutMs?: number,
  ): Promise<Answer>;
}

const CALL_TIMEOUT_MS = 15_000;
/** How long a resource may take to be as wanted, unless the test says otherwise. */
const AWAITS_MS = 25_000;

/** Calls to `url()`, which is asked each time: a restarted control plane has another one. */
export function createCaller(url: () => string, tokens: ReadonlyMap<string, string>): Caller {
  async function call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { as = "admin", body, contentType = "application/json", timeoutMs = CALL_TIMEOUT_MS } = options;
    const response = await fetch(`${url()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tokens.get(as) ?? ""}`,
        ...(body === undefined ? {} : { "content-type": contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return { status: response.status, answer: text === "" ? {} : (JSON.parse(text) as Answer) };
  }
  async function good(method: string, path: string, options?: CallOptions): Promise<Answer> {
    const { status, answer } = await call(method, path, options);
    if (status >= 400) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  }
  async function find(path: string): Promise<Answer | undefined> {
    const { status, answer } = await call("GET", path);
    if (status === 404) return undefined;
    if (status >= 400) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  }
  return {
    call,
    find,
    async list(path) {
      const answer = await good("GET", path);
      return (Object.values(answer).find((value) => Array.isArray(value)) ?? []) as readonly Answer[];
    },
    post: (path, body, as = "admin") => good("POST", path, { as, body }),
    async awaits(what, path, wanted, timeoutMs) {
      let last: Answer | undefined;
      try {
        return await until(
          what,
          async () => {
            last = await find(path);
            return last !== undefined && wanted(last) ? last : undefined;
          },
          timeoutMs ?? AWAITS_MS,
        );
      } catch (error) {
        throw new Error(`${path} did not come to be: ${what}. It is ${JSON.stringify(last)}`, {
          cause: error,
        });
      }
    },
  };
}
