// The shape of a route of the fake, and the routes of the App itself: https://docs.github.com/rest/apps.
import { createHash } from "node:crypto";
import {
  FakeError,
  type FakeDelivery,
  type FakeInstallation,
  type FakeRepository,
  unprocessable,
} from "./world.ts";

/** What a test sets. */
export interface FakeSettings {
  readonly appId: number;
  readonly slug: string;
  /** Entries after which a recursive tree is cut; default: the published limit. */
  treeEntriesMax?: number;
  /** How long an installation token lives. */
  tokenLifeMs: number;
}

/** A token that was handed out. */
export interface FakeToken {
  readonly installation: FakeInstallation;
  readonly expiresAtMs: number;
  readonly permissions: Readonly<Record<string, string>>;
  readonly repositories: readonly string[] | undefined;
}

/** The parts of the fake that routes of the App use. */
export interface FakeAppState {
  readonly installations: Map<number, FakeInstallation>;
  readonly repositories: Map<string, FakeRepository>;
  readonly tokens: Map<string, FakeToken>;
  readonly deliveries: FakeDelivery[];
  readonly manifests: Map<string, Readonly<Record<string, unknown>>>;
  readonly hook: { url: string };
  /** The App's private key, as a conversion hands it out. */
  readonly privateKey: string;
  now(): number;
}

/** One request. */
export interface RouteCall {
  readonly state: FakeAppState;
  readonly repository: FakeRepository;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly url: string;
  readonly body: Record<string, unknown>;
  readonly settings: FakeSettings;
  readonly isStale: boolean;
  nextId(): number;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One route; `permission` is what an installation token needs, "app" the App's own JWT, "public" nothing. */
export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly permission: "app" | "public" | "contents" | "metadata" | "checks" | "pull_requests";
  handle(call: RouteCall): Answer;
}

/** What the API shows of an installation. */
const installationBody = (installation: FakeInstallation) => ({
  id: installation.id,
  account: { login: installation.account },
  permissions: installation.permissions,
  events: installation.events,
  suspended_at: installation.suspendedAt,
  repository_selection: "selected",
});

function mint({ state, params, body, settings }: RouteCall): Answer {
  const installation = state.installations.get(Number(params["id"]));
  if (installation === undefined) throw new FakeError(404, "Not Found");
  if (installation.suspendedAt !== null) throw new FakeError(403, "This installation has been suspended");
  const names = body["repositories"] as string[] | undefined;
  const wanted = names?.map((name) => `${installation.account}/${name}`);
  if (wanted?.some((name) => !installation.repositories.has(name)) === true)
    throw new FakeError(
      422,
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  const permissions = (body["permissions"] as Record<string, string> | undefined) ?? installation.permissions;
  for (const [name, level] of Object.entries(permissions)) {
    const held = installation.permissions[name];
    if (held === undefined || (level === "write" && held !== "write"))
      throw new FakeError(422, "The permissions requested are not granted to this installation.");
  }
  const expiresAtMs = state.now() + settings.tokenLifeMs;
  const hash = createHash("sha256").update(`${state.tokens.size}`).digest("hex").slice(0, 36);
  const token = `ghs_${hash}`;
  state.tokens.set(token, { installation, expiresAtMs, permissions, repositories: wanted });
  return {
    status: 201,
    body: {
      token,
      // Whole seconds, as the API has them.
      expires_at: new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, "Z"),
      permissions,
      repository_selection: "selected",
    },
  };
}

function listDeliveries({ state, query, url }: RouteCall): Answer {
  const size = Math.min(100, Number(query.get("per_page") ?? 30));
  const newest = state.deliveries.toReversed();
  const cursor = query.get("cursor");
  const match = cursor === null ? null : /^v1_(\d+)$/.exec(cursor);
  if (cursor !== null && match === null) throw unprocessable("Delivery", "cursor", "invalid");
  const from = match === null ? 0 : newest.findIndex(({ id }) => id < BigInt(match[1] ?? 0));
  const items = from < 0 ? [] : newest.slice(from, from + size);
  const last = items.at(-1);
  const more = last !== undefined && newest.at(-1)?.id !== last.id;
  const next = new URL(url);
  next.searchParams.set("cursor", `v1_${last?.id ?? 0}`);
  return { status: 200, body: items, headers: more ? { link: `<${next.href}>; rel="next"` } : {} };
}

function redeliver({ state, params }: RouteCall): Answer {
  const found = state.deliveries.find(({ id }) => String(id) === params["id"]);
  if (found === undefined) throw new FakeError(404, "Not Found");
  state.deliveries.push({
    ...found,
    id: (state.deliveries.at(-1)?.id ?? 0n) + 1n,
    redelivery: true,
    delivered_at: new Date(state.now()).toISOString(),
  });
  return { status: 202, body: {} };
}

function convert({ state, params, settings }: RouteCall): Answer {
  const code = params["code"] ?? "";
  const manifest = state.manifests.get(code);
  if (manifest === undefined) throw new FakeError(404, "Not Found");
  // A code is good once, within an hour.
  state.manifests.delete(code);
  return {
    status: 201,
    body: {
      id: settings.appId,
      slug: settings.slug,
      html_url: `https://github.com/apps/${settings.slug}`,
      owner: { login: "acme" },
      client_id: "Iv1.8a61f9b3a7aba766",
      client_secret: "1726be1638095a19edd134c77bde3aa2ece1e5d8",
      webhook_secret: "e340154128314309424b7c8e90325147d99fdafa",
      pem: state.privateKey,
    },
  };
}

/** Routes of the App itself. */
export const APP_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^\/app$/,
    permission: "app",
    handle: ({ state, settings }) => {
      const [first] = state.installations.values();
      return {
        status: 200,
        body: {
          id: settings.appId,
          slug: settings.slug,
          permissions: first?.permissions ?? {},
          events: first?.events ?? [],
        },
      };
    },
  },
  {
    method: "GET",
    path: /^\/app\/installations$/,
    permission: "app",
    handle: ({ state }) => ({ status: 200, body: [...state.installations.values()].map(installationBody) }),
  },
  {
    method: "GET",
    path: /^\/repos\/(?<repo>[^/]+\/[^/]+)\/installation$/,
    permission: "app",
    handle: ({ state, params }) => {
      const found = [...state.installations.values()].find(({ repositories }) =>
        repositories.has(params["repo"] ?? ""),
      );
      if (found === undefined) throw new FakeError(404, "Not Found");
      return { status: 200, body: installationBody(found) };
    },
  },
  {
    method: "POST",
    path: /^\/app\/installations\/(?<id>\d+)\/access_tokens$/,
    permission: "app",
    handle: mint,
  },
  {
    method: "GET",
    path: /^\/app\/hook\/config$/,
    permission: "app",
    handle: ({ state }) => ({
      status: 200,
      body: { url: state.hook.url, content_type: "json", insecure_ssl: "0", secret: "********" },
    }),
  },
  { method: "GET", path: /^\/app\/hook\/deliveries$/, permission: "app", handle: listDeliveries },
  {
    method: "POST",
    path: /^\/app\/hook\/deliveries\/(?<id>\d+)\/attempts$/,
    permission: "app",
    handle: redeliver,
  },
  {
    method: "POST",
    path: /^\/app-manifests\/(?<code>[^/]+)\/conversions$/,
    permission: "public",
    handle: convert,
  },
];
