// What the fake of the code host's REST API remembers. Repositories are real bare Git repositories; everything else is plain state.
import { execFileSync } from "node:child_process";

/** An error in the form of the API: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api. */
export class FakeError extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    message: string,
    body: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.body = {
      message,
      documentation_url: "https://docs.github.com/rest",
      status: String(status),
      ...body,
    };
    this.headers = headers;
  }
}

/** 422 with one field at fault. */
export const unprocessable = (resource: string, field: string, code: string, message = ""): FakeError =>
  new FakeError(422, "Validation Failed", { errors: [{ resource, field, code, message }] });

/** An open or closed pull request. */
export interface FakePull {
  number: number;
  state: "open" | "closed";
  head: string;
  base: string;
  author: string;
  /** How many looks it takes until `mergeable` is known; GitHub computes it in the background. */
  looksUntilMergeable: number;
}

/** A check run as it is stored. */
export interface FakeCheckRun {
  readonly id: number;
  readonly appId: number;
  readonly headSha: string;
  name: string;
  externalId: string;
  status: string;
  conclusion: string | null;
  detailsUrl: string | null;
  startedAt: string | null;
  completedAt: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: Record<string, unknown>[];
  actions: unknown[];
}

/** A comment of a pull request. */
export interface FakeComment {
  readonly id: number;
  readonly issue: number;
  readonly appId: number | null;
  readonly login: string;
  body: string;
}

/** A repository. */
export interface FakeRepository {
  readonly id: number;
  fullName: string;
  readonly folder: string;
  defaultBranch: string;
  readonly pulls: Map<number, FakePull>;
  readonly checkRuns: FakeCheckRun[];
  readonly comments: FakeComment[];
  /** Login → permission. */
  readonly permissions: Map<string, string>;
  /** Logins of the e-mail addresses that accounts have. */
  readonly accounts: Map<string, string>;
}

/** An installation of the App. */
export interface FakeInstallation {
  readonly id: number;
  readonly account: string;
  readonly repositories: Set<string>;
  permissions: Record<string, string>;
  events: string[];
  suspendedAt: string | null;
}

/** A delivery of the App's webhook, as the log of deliveries keeps it. */
export interface FakeDelivery {
  /** Of 64 bits, since 2026. */
  readonly id: bigint;
  readonly guid: string;
  readonly delivered_at: string;
  readonly redelivery: boolean;
  readonly event: string;
  readonly status_code: number;
}

/** Runs Git on a repository of the fake; undefined when Git says no. */
export function git(repository: FakeRepository, args: readonly string[]): string | undefined {
  try {
    return execFileSync("git", ["--git-dir", repository.folder, ...args], {
      encoding: "utf8",
      maxBuffer: 64_000_000,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    });
  } catch {
    return undefined;
  }
}

/** Bytes of a blob; undefined when there is none. */
export function gitBytes(repository: FakeRepository, objectId: string): Buffer | undefined {
  try {
    return execFileSync("git", ["--git-dir", repository.folder, "cat-file", "blob", objectId], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch {
    return undefined;
  }
}

/** Answers in pages as the API does: `page` and `per_page` (30, at most 100), and a `link` header. */
export function page<Item>(
  items: readonly Item[],
  query: URLSearchParams,
  url: string,
): { readonly items: readonly Item[]; readonly headers: Record<string, string> } {
  const size = Math.min(100, Math.max(1, Number(query.get("per_page") ?? 30)));
  const number = Math.max(1, Number(query.get("page") ?? 1));
  const last = Math.max(1, Math.ceil(items.length / size));
  const to = (target: number, rel: string): string => {
    const next = new URL(url);
    next.searchParams.set("page", String(target));
    return `<${next.href}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [to(number - 1, "prev")] : []),
    ...(number < last ? [to(number + 1, "next"), to(last, "last")] : []),
  ];
  return {
    items: items.slice((number - 1) * size, number * size),
    headers: links.length === 0 ? {} : { link: links.join(", ") },
  };
}
