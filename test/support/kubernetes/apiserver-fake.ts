// A fake of the Kubernetes API server for machines without the real one: it keeps objects and compare-and-set semantics as the
// API conventions describe them, and can be told to fail. It knows no RBAC, and of schemas only what `refused` says.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";

/** How the next request fails; `none` lets it through. `lost-reply` does what was asked and answers nothing. */
export type Fault =
  | "none"
  | "lost-reply"
  | "cut"
  | "hang"
  | { readonly http: number; readonly body: string | Buffer; readonly type?: string };

type Stored = {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown> & { name: string; namespace?: string; resourceVersion: string };
} & Record<string, unknown>;

/** The fake server. */
export interface ApiServerFake {
  readonly url: string;
  /** Requests as `METHOD path`, in order. */
  readonly requests: readonly string[];
  /** The next requests that match fail one after the other. */
  fail(...faults: readonly Fault[]): void;
  /** What the log of a pod answers. */
  keepLog(namespace: string, pod: string, text: string): void;
  /** Pages of a list after which its `continue` is expired. */
  expireLists(): void;
  close(): Promise<void>;
}

interface Target {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** `/apis/{group}/{version}[/namespaces/{ns}]/{plural}[/{name}[/{sub}]]`, or `/api/v1/…`. */
function targetOf(path: string): Target | undefined {
  const parts = path.split("/").slice(1);
  const group = parts.splice(0, parts[0] === "api" ? 2 : 3).join("/");
  const namespaced = parts[0] === "namespaces" && parts.length > 2;
  const namespace = namespaced ? parts.splice(0, 2)[1] : undefined;
  const [plural, name, subresource] = parts;
  if (plural === undefined) return undefined;
  return { collection: `${group}/${plural}`, namespace, plural, name, subresource };
}

function status(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  details: object = {},
) {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, details, code };
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch))
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  return Object.fromEntries(result);
}

interface RouteLike {
  readonly spec?: {
    readonly rules?: readonly {
      readonly backendRefs?: readonly { readonly name?: unknown; readonly weight?: number }[];
    }[];
  };
}

/** What the schemas of the real server refuse, as far as our tests try it. */
function refused(plural: string, object: Stored): string | undefined {
  const annotations = (object.metadata["annotations"] ?? {}) as Record<string, string>;
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes > 256 * 1024) return "metadata.annotations: Too long: may not be more than 262144 bytes";
  if (plural === "httproutes") {
    const refs = ((object as RouteLike).spec?.rules ?? []).flatMap((rule) => rule.backendRefs ?? []);
    if (refs.some(({ weight = 1 }) => weight < 0 || weight > 1_000_000)) return "weight: Invalid value";
    const rules = (object as RouteLike).spec?.rules ?? [];
    if (rules.some((rule) => (rule.backendRefs ?? []).length > 16))
      return "backendRefs: Too many: must have at most 16 items";
  }
  if (plural === "rayjobs" && typeof object["spec"] !== "object") return "spec: Required value";
  return undefined;
}

const QUEUE = "kueue.x-k8s.io/queue-name";

/** What Kueue's webhook refuses of a changed job (`validateUpdateForQueueName` in its pkg/controller/jobframework/validation.go). */
function refusedByKueue(known: Stored, next: Stored, hasDefaultQueue: boolean): string | undefined {
  const [was, is] = [known, next].map(
    ({ metadata }) => (metadata["labels"] as Record<string, string> | undefined)?.[QUEUE] ?? "",
  );
  const isSuspended = (next["spec"] as { readonly suspend?: boolean } | undefined)?.suspend === true;
  if (was !== is && !isSuspended) return `metadata.labels[${QUEUE}]: Invalid value: field is immutable`;
  if (was !== "" && is === "" && hasDefaultQueue)
    return `metadata.labels[${QUEUE}]: Invalid value: queue-name must not be empty in namespace with default queue`;
  return undefined;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : JSON.parse(text);
}

/** Starts a fake server on a free loopback port. */
export async function startApiServerFake(token = "fake-token"): Promise<ApiServerFake> {
  const objects = new Map<string, Stored>();
  const requests: string[] = [];
  const faults: Fault[] = [];
  const logs = new Map<string, string>();
  let revision = 100;
  let isExpired = false;

  const keyOf = ({ collection, namespace, name }: Target): string =>
    `${collection}|${namespace ?? ""}|${name ?? ""}`;
  const json = (response: ServerResponse, code: number, value: unknown) =>
    response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));

  function store(target: Target, object: Stored, before?: Stored): Stored {
    const same = before !== undefined && isDeepStrictEqual(before, object);
    if (!same) object.metadata.resourceVersion = String(++revision);
    objects.set(keyOf({ ...target, name: object.metadata.name }), object);
    return object;
  }

  function create(target: Target, body: Stored, response: ServerResponse) {
    const { plural, namespace } = target;
    if (namespace !== undefined && !objects.has(`api/v1/namespaces||${namespace}`))
      return status(response, 404, "NotFound", `namespaces "${namespace}" not found`, {
        name: namespace,
        kind: "namespaces",
      });
    const { name } = body.metadata;
    if (objects.has(keyOf({ ...target, name })))
      return status(response, 409, "AlreadyExists", `${plural} "${name}" already exists`, {
        name,
        kind: plural,
      });
    const invalid = refused(plural, body);
    if (invalid !== undefined) return status(response, 422, "Invalid", invalid);
    const metadata = {
      ...body.metadata,
      ...(namespace === undefined ? {} : { namespace }),
      uid: `uid-${revision}`,
      creationTimestamp: "2026-03-01T10:00:00Z",
    };
    return json(response, 201, store(target, { ...body, metadata }));
  }

  function change(target: Target, known: Stored, next: Stored, response: ServerResponse) {
    const expected = next.metadata.resourceVersion;
    if (expected !== known.metadata.resourceVersion)
      return status(
        response,
        409,
        "Conflict",
        `Operation cannot be fulfilled on ${target.plural} "${known.metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
      );
    const queue = { collection: "apis/kueue.x-k8s.io/v1beta2/localqueues", namespace: target.namespace };
    const hasDefaultQueue = objects.has(keyOf({ ...target, ...queue, name: "default" }));
    const invalid =
      refused(target.plural, next) ??
      (target.plural === "rayjobs" ? refusedByKueue(known, next, hasDefaultQueue) : undefined);
    if (invalid !== undefined) return status(response, 422, "Invalid", invalid);
    return json(response, 200, store(target, next, known));
  }

  function listed(target: Target, query: URLSearchParams, response: ServerResponse) {
    const labels = (query.get("labelSelector") ?? "").split(",").filter((pair) => pair !== "");
    const items = [...objects]
      .filter(([key]) =>
        key.startsWith(
          `${target.collection}|${target.namespace === undefined ? "" : `${target.namespace}|`}`,
        ),
      )
      .map(([, object]) => object)
      .filter(({ metadata }) =>
        labels.every((pair) => {
          const [name = "", value] = pair.split("=");
          return (metadata["labels"] as Record<string, string> | undefined)?.[name] === value;
        }),
      );
    const from = Number(query.get("continue") || 0);
    if (from > 0 && isExpired)
      return status(
        response,
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result.",
      );
    const limit = Number(query.get("limit") || items.length);
    const next = from + limit < items.length ? String(from + limit) : "";
    return json(response, 200, {
      kind: "List",
      metadata: { resourceVersion: String(revision), continue: next },
      items: items.slice(from, from + limit),
    });
  }

  function answer(method: string, url: URL, type: string, body: unknown, response: ServerResponse): unknown {
    const target = targetOf(url.pathname);
    if (target === undefined || url.pathname.includes("not.served"))
      return response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
    if (target.name === undefined) {
      if (method === "POST") return create(target, body as Stored, response);
      return listed(target, url.searchParams, response);
    }
    const known = objects.get(keyOf(target));
    if (type.includes("apply-patch") && known === undefined)
      return create({ ...target, name: undefined }, body as Stored, response);
    if (known === undefined)
      return status(response, 404, "NotFound", `${target.plural} "${target.name}" not found`, {
        name: target.name,
        kind: target.plural,
      });
    if (target.subresource === "log")
      return response.end(logs.get(`${target.namespace ?? ""}/${target.name}`) ?? "");
    if (method === "GET") return json(response, 200, known);
    if (method === "DELETE") {
      objects.delete(keyOf(target));
      return json(response, 200, { kind: "Status", apiVersion: "v1", status: "Success" });
    }
    if (method === "PUT") return change(target, known, body as Stored, response);
    return change(target, known, merged(known, body) as Stored, response);
  }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://fake");
      requests.push(`${request.method} ${url.pathname}`);
      const body = await bodyOf(request);
      const fault = faults.shift();
      if (fault === "cut") return void request.socket.destroy();
      if (fault === "hang") return;
      if (typeof fault === "object") {
        const { http, body: text, type = "application/json" } = fault;
        return void response.writeHead(http, { "content-type": type }).end(text);
      }
      if (fault === "lost-reply") {
        // Done and stored, then nobody hears of it.
        const deaf = { writeHead: () => ({ end: () => undefined }) } as unknown as ServerResponse;
        answer(request.method ?? "GET", url, request.headers["content-type"] ?? "", body, deaf);
        return void request.socket.destroy();
      }
      if (request.headers.authorization !== `Bearer ${token}`)
        return status(response, 401, "Unauthorized", "Unauthorized");
      answer(request.method ?? "GET", url, request.headers["content-type"] ?? "", body, response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail: (...next) => void faults.push(...next),
    keepLog: (namespace, pod, text) => void logs.set(`${namespace}/${pod}`, text),
    expireLists: () => {
      isExpired = true;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
