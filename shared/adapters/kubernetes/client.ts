// A typed client of the Kubernetes API for the verbs that we need, over undici: nothing is retried but what a token that was
// refused had kept from being done, and everything has an end.
import { type Dispatcher, request } from "undici";
import { refusal, statusOf, unreachable } from "./errors.ts";
import type { KubernetesObject } from "./objects.ts";

/** Longest wait for one answer. */
export const KUBERNETES_TIMEOUT_MS = 5_000;
/** Bytes of an answer that are read; a longer one is refused. */
export const KUBERNETES_ANSWER_BYTES_MAX = 16 * 1_024 * 1_024;
/** Objects on one page of a list. */
export const LIST_PAGE_SIZE = 250;
/** Pages of one list; a longer one is refused. */
export const LIST_PAGES_MAX = 40;

/** Where the cluster is and who we are there. */
export interface KubernetesAccess {
  /** Such as https://gke-0123.europe-west1.gke.goog. */
  readonly server: string;
  /** A token of ours that is valid now; asked before each request, so it caches. `refused`: one that is not taken any more. */
  readonly token: (refused?: string) => Promise<string>;
  /** Connections, with the CA that they trust; default: the global ones and the public CAs. */
  readonly dispatcher?: Dispatcher;
  readonly timeoutMs?: number;
}

/** What became of a write that holds only for the object as it was read. */
export type Written<Kind> =
  | { readonly kind: "written"; readonly object: Kind }
  | { readonly kind: "conflict" }
  | { readonly kind: "absent" };

/** The verbs. `Kind` is believed: the server has checked objects against their schema. */
export interface KubernetesClient {
  get<Kind extends KubernetesObject>(path: string): Promise<Kind | undefined>;
  /** All pages. */
  list<Kind extends KubernetesObject>(path: string, labels?: string): Promise<readonly Kind[]>;
  create<Kind extends KubernetesObject>(
    path: string,
    object: Kind,
  ): Promise<{ readonly kind: "created"; readonly object: Kind } | { readonly kind: "exists" }>;
  /** A merge patch; with `metadata.resourceVersion` in it a compare-and-set. */
  patch<Kind extends KubernetesObject>(path: string, patch: object): Promise<Written<Kind>>;
  /** The whole object, at the `resourceVersion` in it. */
  replace<Kind extends KubernetesObject>(path: string, object: Kind): Promise<Written<Kind>>;
  /** Server-side apply: creates, or changes the fields that are ours and takes them from others. */
  apply<Kind extends KubernetesObject>(path: string, object: Kind, fieldManager: string): Promise<Kind>;
  /** False when there was none. */
  remove(path: string): Promise<boolean>;
  /** A text, such as a log; undefined when there is none. */
  text(path: string, query: Readonly<Record<string, string>>): Promise<string | undefined>;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Answer {
  readonly http: number;
  readonly text: string;
  readonly body: unknown;
}

interface Question {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly type?: string;
}

async function read(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > KUBERNETES_ANSWER_BYTES_MAX)
      throw new Error(`the answer is longer than ${KUBERNETES_ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON value; undefined for what is none, bytes that are no UTF-8 included: what was read is written back later. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** The token, or the end of waiting for it: a metadata server that never answers holds nobody up. */
async function tokenBefore(
  signal: AbortSignal,
  token: KubernetesAccess["token"],
  refused?: string,
): Promise<string> {
  const late = Promise.withResolvers<never>();
  const give = (): void => late.reject(signal.reason as Error);
  signal.addEventListener("abort", give, { once: true });
  try {
    return await Promise.race([token(refused), late.promise]);
  } finally {
    signal.removeEventListener("abort", give);
  }
}

function asker({ server, token, dispatcher, timeoutMs = KUBERNETES_TIMEOUT_MS }: KubernetesAccess) {
  return async (method: Method, path: string, question: Question = {}): Promise<Answer> => {
    const { query = {}, body, type = "application/json" } = question;
    const url = new URL(path, server);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signal = AbortSignal.timeout(timeoutMs);
    const askAs = async (bearer: string): Promise<Answer> => {
      const answer = await request(url, {
        method,
        signal,
        ...(dispatcher === undefined ? {} : { dispatcher }),
        headers: {
          authorization: `Bearer ${bearer}`,
          accept: "application/json",
          "user-agent": "signalbox",
          "content-type": type,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const bytes = await read(answer.body);
      return { http: answer.statusCode, text: bytes.toString("utf8"), body: parsed(bytes) };
    };
    try {
      const bearer = await tokenBefore(signal, token);
      const answer = await askAs(bearer);
      if (answer.http !== 401) return answer;
      // It ended on its way, or was withdrawn: nothing was done, and with another one it may be.
      const other = await tokenBefore(signal, token, bearer);
      return other === bearer ? answer : await askAs(other);
    } catch (error) {
      throw unreachable(`${method} ${path}`, server, error, timeoutMs);
    }
  };
}

const isDone = ({ http }: Answer): boolean => http >= 200 && http < 300;

/** Whether the object itself is missing, and not its namespace or its kind. */
function isAbsent({ http, body }: Answer): boolean {
  return http === 404 && statusOf(body)?.details?.kind !== "namespaces" && statusOf(body) !== undefined;
}

/** The verbs over one way to ask. */
export function createKubernetesClient(access: KubernetesAccess): KubernetesClient {
  const ask = asker(access);
  const refused = (method: Method, path: string, { http, body, text }: Answer) =>
    refusal(`${method} ${path}`, http, body, text);

  /** The object that was asked for; a success without one is nobody's object. */
  function object(method: Method, path: string, answer: Answer): KubernetesObject {
    const found = answer.body as Partial<KubernetesObject> | undefined;
    if (isDone(answer) && typeof found?.metadata?.name === "string") return found as KubernetesObject;
    throw refused(method, path, isDone(answer) ? { ...answer, http: 502 } : answer);
  }

  async function write<Kind extends KubernetesObject>(
    method: "PUT" | "PATCH",
    path: string,
    question: Question,
  ): Promise<Written<Kind>> {
    const answer = await ask(method, path, question);
    if (answer.http === 409) return { kind: "conflict" };
    if (isAbsent(answer)) return { kind: "absent" };
    return { kind: "written", object: object(method, path, answer) as Kind };
  }

  async function list<Kind extends KubernetesObject>(path: string, labels = ""): Promise<readonly Kind[]> {
    const items: Kind[] = [];
    let after = "";
    for (let page = 0; page < LIST_PAGES_MAX; page++) {
      const query = { limit: String(LIST_PAGE_SIZE), labelSelector: labels, continue: after };
      const answer = await ask("GET", path, { query });
      const found = answer.body as
        | { readonly items?: readonly Kind[]; readonly metadata?: { readonly continue?: string } }
        | undefined;
      if (!isDone(answer)) throw refused("GET", path, answer);
      if (!Array.isArray(found?.items)) throw refused("GET", path, { ...answer, http: 502 });
      items.push(...found.items);
      after = found.metadata?.continue ?? "";
      if (after === "") return items;
    }
    throw refusal(`GET ${path}`, 413, undefined, `more than ${LIST_PAGES_MAX * LIST_PAGE_SIZE} objects`);
  }

  return {
    list,
    async get<Kind extends KubernetesObject>(path: string) {
      const answer = await ask("GET", path);
      return isAbsent(answer) ? undefined : (object("GET", path, answer) as Kind);
    },
    async create<Kind extends KubernetesObject>(path: string, body: Kind) {
      const answer = await ask("POST", path, { body });
      if (answer.http === 409 && statusOf(answer.body)?.reason === "AlreadyExists") return { kind: "exists" };
      return { kind: "created", object: object("POST", path, answer) as Kind };
    },
    patch: (path, body) => write("PATCH", path, { body, type: "application/merge-patch+json" }),
    replace: (path, body) => write("PUT", path, { body }),
    async apply<Kind extends KubernetesObject>(path: string, body: Kind, fieldManager: string) {
      const query = { fieldManager, force: "true" };
      const answer = await ask("PATCH", path, { body, query, type: "application/apply-patch+yaml" });
      return object("PATCH", path, answer) as Kind;
    },
    async remove(path) {
      const answer = await ask("DELETE", path);
      if (isAbsent(answer)) return false;
      if (isDone(answer)) return true;
      throw refused("DELETE", path, answer);
    },
    async text(path, query) {
      const answer = await ask("GET", path, { query });
      if (isAbsent(answer)) return undefined;
      if (isDone(answer)) return answer.text;
      throw refused("GET", path, answer);
    },
  };
}
