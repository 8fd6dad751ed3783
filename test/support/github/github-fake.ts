// A fake of the code host's REST API on loopback, written from https://docs.github.com/rest and the types of
// @octokit/openapi-types. It keeps state, enforces the published limits, and fails on demand.
import { createHash, generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname } from "node:path";
import { checkJwt } from "./jwt.ts";
import { createMovedNames } from "./moved.ts";
import { CHECK_ROUTES } from "./routes-checks.ts";
import { GIT_ROUTES } from "./routes-git.ts";
import { type Answer, APP_ROUTES, type FakeAppState, type FakeSettings, type Route } from "./routes.ts";
import { FakeError, type FakeInstallation, type FakeRepository } from "./world.ts";

const ROUTES: readonly Route[] = [...APP_ROUTES, ...CHECK_ROUTES, ...GIT_ROUTES];

/** What goes wrong with a request: before it is worked on, or after. */
export type Fault =
  | "lost-reply"
  | "502-after"
  | "503"
  | "500"
  | "hang"
  | "cut"
  | "garbage"
  | "not-utf8"
  | "huge"
  | "stale"
  | "primary-limit"
  | "secondary-limit"
  | "unauthenticated"
  | "forbidden";

/** The fake. */
export interface GithubFake extends FakeAppState {
  readonly url: string;
  readonly settings: FakeSettings;
  /** `METHOD path` of every request, in order, with the status that was answered. */
  readonly requests: {
    readonly line: string;
    readonly status: number;
    readonly headers: IncomingMessage["headers"];
  }[];
  /** Requests that are left before the primary limit; counted down by every request but those answered 304. */
  rate: { remaining: number; limit: number; resetAtMs: number };
  /** Milliseconds by which the fake's clock is ahead of ours. */
  readonly skew: { ms: number };
  addRepository(folder: string): FakeRepository;
  /** Its old name leads on to it. */
  rename(repository: FakeRepository, fullName: string): void;
  /** The next `times` requests whose `METHOD path` matches fail so. */
  fail(match: RegExp, fault: Fault, times?: number): void;
  close(): Promise<void>;
}

interface Planned {
  readonly match: RegExp;
  readonly fault: Fault;
  times: number;
}

/** JSON with numbers of 64 bits in it. */
const jsonOf = (body: unknown): string =>
  JSON.stringify(body, (_, value: unknown) =>
    typeof value === "bigint" ? `64 bits: ${value}` : value,
  ).replaceAll(/"64 bits: (\d+)"/g, "$1");

const CREATED = { appId: 4_242, slug: "signalbox-acme", tokenLifeMs: 3_600_000 };

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new FakeError(400, "Problems parsing JSON");
  }
}

/** Starts a fake with one installation of the App in the account `acme`. */
export async function startGithubFake(): Promise<GithubFake> {
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    // The form in which the code host hands keys out: BEGIN RSA PRIVATE KEY.
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const planned: Planned[] = [];
  const hanging = new Set<ServerResponse>();
  let ids = 1_000;
  const nextId = (): number => (ids += 1);
  const installation: FakeInstallation = {
    id: 77,
    account: "acme",
    repositories: new Set(),
    permissions: { checks: "write", contents: "read", metadata: "read", pull_requests: "write" },
    events: ["pull_request", "push"],
    suspendedAt: null,
  };

  const skew = { ms: 0 };
  const repositories = new Map<string, FakeRepository>();
  const moved = createMovedNames(repositories, installation.repositories);
  const fake = {
    rename: moved.rename,
    settings: { ...CREATED },
    installations: new Map([[installation.id, installation]]),
    repositories,
    tokens: new Map(),
    deliveries: [],
    manifests: new Map(),
    hook: { url: "https://signalbox.example.com/webhooks/github" },
    privateKey: keys.privateKey,
    requests: [] as GithubFake["requests"],
    rate: { remaining: 5_000, limit: 5_000, resetAtMs: Date.now() + 3_600_000 },
    skew,
    now: () => Date.now() + skew.ms,
    addRepository: (folder: string): FakeRepository => {
      const fullName = `${basename(dirname(folder))}/${basename(folder, ".git")}`;
      const repository: FakeRepository = {
        id: nextId(),
        fullName,
        folder,
        defaultBranch: "main",
        pulls: new Map(),
        checkRuns: [],
        comments: [],
        permissions: new Map(),
        accounts: new Map(),
      };
      repositories.set(fullName, repository);
      installation.repositories.add(fullName);
      return repository;
    },
    fail(match: RegExp, fault: Fault, times = 1): void {
      planned.push({ match, fault, times });
    },
  } satisfies Omit<GithubFake, "url" | "close">;

  function authenticate(route: Route, request: IncomingMessage, name: string | undefined): FakeRepository {
    const repository = fake.repositories.get(name ?? "");
    const unknown = repository ?? ({} as FakeRepository);
    if (route.permission === "public") return unknown;
    const [scheme = "", token = ""] = (request.headers.authorization ?? "").split(" ");
    if (!/^(bearer|token)$/i.test(scheme)) throw new FakeError(401, "Requires authentication");
    if (route.permission === "app") {
      checkJwt(token, keys.publicKey, fake.settings.appId, fake.now());
      return unknown;
    }
    const known = (fake.tokens as FakeAppState["tokens"]).get(token);
    if (known === undefined || known.expiresAtMs <= fake.now()) throw new FakeError(401, "Bad credentials");
    if (known.installation.suspendedAt !== null)
      throw new FakeError(403, "This installation has been suspended");
    const full = name ?? "";
    // Without access a repository is not forbidden, it is not there.
    if (
      repository === undefined ||
      !known.installation.repositories.has(full) ||
      known.repositories?.includes(full) === false
    )
      throw new FakeError(404, "Not Found");
    const level = known.permissions[route.permission];
    const needs = request.method === "GET" ? "read" : "write";
    if (level === undefined || (needs === "write" && level !== "write")) {
      const accepted = { "x-accepted-github-permissions": `${route.permission}=${needs}` };
      throw new FakeError(403, "Resource not accessible by integration", {}, accepted);
    }
    return repository;
  }

  async function work(request: IncomingMessage, isStale: boolean, base: string): Promise<Answer> {
    const url = new URL(request.url ?? "/", base);
    const path = moved.pathOf(request.method, url);
    for (const route of ROUTES) {
      const match = route.method === request.method ? route.path.exec(path) : null;
      if (match === null) continue;
      const params = match.groups ?? {};
      const repository = authenticate(route, request, params["repo"]);
      const body = await bodyOf(request);
      const call = { state: fake, repository, params, query: url.searchParams, url: url.href, body };
      return route.handle({ ...call, settings: fake.settings, isStale, nextId });
    }
    throw new FakeError(404, "Not Found");
  }

  const rateHeaders = (): Record<string, string> => ({
    "x-ratelimit-limit": String(fake.rate.limit),
    "x-ratelimit-remaining": String(Math.max(0, fake.rate.remaining)),
    "x-ratelimit-reset": String(Math.ceil(fake.rate.resetAtMs / 1_000)),
    date: new Date(fake.now()).toUTCString(),
  });

  function limits(fault: Fault | undefined): void {
    if (fault === "primary-limit") fake.rate.remaining = 0;
    if (fake.rate.remaining <= 0 && fake.rate.resetAtMs > fake.now())
      throw new FakeError(403, "API rate limit exceeded for installation ID 77.");
    if (fault === "secondary-limit") {
      const message =
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
      throw new FakeError(429, message, {}, { "retry-after": "60" });
    }
    if (fault === "unauthenticated") throw new FakeError(401, "Bad credentials");
    if (fault === "forbidden") throw new FakeError(403, "Resource not accessible by integration");
    if (fault === "503") throw new FakeError(503, "Service unavailable");
    if (fault === "500") throw new FakeError(500, "Server Error");
  }

  /** Answers that are no answer of the API; true when one was given. */
  function strange(response: ServerResponse, fault: Fault | undefined): boolean {
    const type = { "content-type": "application/json; charset=utf-8" };
    if (fault === "hang") hanging.add(response);
    else if (fault === "cut" || fault === "lost-reply") response.destroy();
    else if (fault === "502-after")
      response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad Gateway</html>");
    else if (fault === "garbage")
      response.writeHead(200, type).end(`{"__proto__":{"x":1},"id":9007199254740993`);
    else if (fault === "not-utf8") response.writeHead(200, type).end(Buffer.from([0x22, 0xff, 0xfe, 0x22]));
    else if (fault === "huge") response.writeHead(200, type).end(`"${"x".repeat(70_000_000)}"`);
    else return false;
    return true;
  }

  function send(request: IncomingMessage, response: ServerResponse, answer: Answer): number {
    const text = answer.body === undefined ? "" : jsonOf(answer.body);
    const etag = `W/"${createHash("sha256").update(text).digest("hex")}"`;
    const isKnown =
      request.method === "GET" && request.headers["if-none-match"] === etag && answer.status === 200;
    const headers = { ...rateHeaders(), etag, ...answer.headers };
    if (isKnown) {
      response.writeHead(304, headers).end();
      return 304;
    }
    fake.rate.remaining -= 1;
    response
      .writeHead(answer.status, {
        ...headers,
        ...rateHeaders(),
        "content-type": "application/json; charset=utf-8",
      })
      .end(text);
    return answer.status;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://fake");
    const line = `${request.method} ${pathname}`;
    const plan = planned.find(({ match, times }) => times > 0 && match.test(line));
    if (plan !== undefined) plan.times -= 1;
    const fault = plan?.fault;
    const note = (status: number): void => {
      fake.requests.push({ line, status, headers: request.headers });
    };
    try {
      limits(fault);
      const isBefore =
        fault === "hang" ||
        fault === "cut" ||
        fault === "garbage" ||
        fault === "not-utf8" ||
        fault === "huge";
      if (isBefore) {
        note(0);
        strange(response, fault);
        return;
      }
      const answer = await work(request, fault === "stale", `http://${request.headers.host}`);
      if (strange(response, fault)) {
        note(0);
        return;
      }
      note(send(request, response, answer));
    } catch (error) {
      const known = error instanceof FakeError ? error : new FakeError(500, String(error));
      note(known.status);
      const answer = { status: known.status, body: known.body, headers: known.headers };
      send(request, response, answer);
    }
  }

  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const response of hanging) response.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  });
}
