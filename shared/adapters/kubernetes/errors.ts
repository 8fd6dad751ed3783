// What the Kubernetes API server, or the way to it, says went wrong → an error of our table.
import { ControlPlaneError, type ErrorCode } from "../../domain/errors.ts";
import { createRedact } from "../../domain/redact.ts";

/** Characters of the server's own words that a message of ours quotes. */
const QUOTE_CHARACTERS_MAX = 500;

/** The body of a refusal (`kind: Status` of the core group). */
export interface KubernetesStatus {
  readonly kind: "Status";
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly kind?: string; readonly name?: string };
}

/** The body as a Status; undefined when somebody else answered, such as a proxy or a server that does not know the kind. */
export function statusOf(body: unknown): KubernetesStatus | undefined {
  const status = body as Partial<KubernetesStatus> | undefined;
  return typeof body === "object" && status?.kind === "Status" ? (status as KubernetesStatus) : undefined;
}

const redact = createRedact([]);
const quoted = (text: string): string =>
  redact(text).replaceAll(/\s+/g, " ").trim().slice(0, QUOTE_CHARACTERS_MAX);

type Meaning = readonly [code: ErrorCode, reason: string, remedy: string];

const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: ["INVALID_ARGUMENT", "KUBERNETES_REFUSED", "Change what is sent."],
  // Ours is the token, so whoever asks us is not at fault, and the next one may be taken: decision 0062.
  401: [
    "UNAVAILABLE",
    "KUBERNETES_UNAUTHENTICATED",
    "It is tried again with another token; if this stays, check the identity that this service runs as, and that its token is for this cluster.",
  ],
  403: [
    "PERMISSION_DENIED",
    "KUBERNETES_FORBIDDEN",
    "Bind the shipped role of this service in that namespace (deploy/kubernetes).",
  ],
  404: ["NOT_FOUND", "KUBERNETES_NOT_FOUND", "Create it first."],
  405: ["FAILED_PRECONDITION", "KUBERNETES_NOT_SERVED", "Check the version of the cluster."],
  409: ["ABORTED", "KUBERNETES_CONFLICT", "Read again and decide anew."],
  410: ["ABORTED", "KUBERNETES_EXPIRED", "Start again from the beginning."],
  413: ["INVALID_ARGUMENT", "KUBERNETES_TOO_LARGE", "Send less."],
  415: ["FAILED_PRECONDITION", "KUBERNETES_NOT_SERVED", "Check the version of the cluster."],
  422: ["INVALID_ARGUMENT", "KUBERNETES_INVALID", "Change what is sent."],
  429: ["RESOURCE_EXHAUSTED", "KUBERNETES_BUSY", "Try again in a moment."],
  504: [
    "DEADLINE_EXCEEDED",
    "KUBERNETES_TIMEOUT",
    "Whether it took effect is not known: read before trying again.",
  ],
};

function meaningOf(http: number, status: KubernetesStatus | undefined, text: string): Meaning {
  // What is not a Status came from a server without this kind, or from no Kubernetes at all.
  if (http === 404 && status === undefined)
    return [
      "FAILED_PRECONDITION",
      "KUBERNETES_NOT_SERVED",
      "Check the address of the cluster, and that the resource definitions are installed.",
    ];
  if (http === 403 && /exceeded quota/.test(text))
    return [
      "RESOURCE_EXHAUSTED",
      "KUBERNETES_QUOTA",
      "Raise the quota of the namespace, or free some of it.",
    ];
  if (http >= 300 && http < 400)
    return ["FAILED_PRECONDITION", "KUBERNETES_NOT_SERVED", "Check the address of the cluster."];
  return (
    MEANINGS[http] ??
    (http >= 400 && http < 500 ? MEANINGS[400] : undefined) ?? [
      "UNAVAILABLE",
      "KUBERNETES_UNAVAILABLE",
      "Try again in a moment.",
    ]
  );
}

/** An answer that is none of the expected ones. `what` is what was asked, as `patch httproutes/ranker`. */
export function refusal(what: string, http: number, body: unknown, text: string): ControlPlaneError {
  const status = statusOf(body);
  const said = quoted(status?.message ?? text);
  const [code, reason, remedy] = meaningOf(http, status, said);
  return new ControlPlaneError(
    code,
    `Kubernetes answered ${http} to ${what}${said === "" ? "" : `: ${said.replace(/\.$/, "")}`}. ${remedy}`,
    { reason, metadata: { request: what, status: String(http), kubernetesReason: status?.reason ?? "" } },
  );
}

// Codes of Node's TLS: the server is not the one whose certificate we were given.
const UNTRUSTED = /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/;

/** Why no answer came. */
export function unreachable(
  what: string,
  server: string,
  error: unknown,
  timeoutMs: number,
): ControlPlaneError {
  if (error instanceof ControlPlaneError) return error;
  const {
    name = "",
    code = "",
    message = String(error),
  } = (error ?? {}) as Partial<Error & { code: string }>;
  const metadata = { request: what, server };
  if (name === "TimeoutError" || name === "AbortError") {
    return new ControlPlaneError(
      "DEADLINE_EXCEEDED",
      `Kubernetes at ${server} did not answer ${what} within ${timeoutMs} ms. Whether it took effect is not known: read before trying again.`,
      { reason: "KUBERNETES_TIMEOUT", metadata, cause: error },
    );
  }
  if (UNTRUSTED.test(code)) {
    return new ControlPlaneError(
      "FAILED_PRECONDITION",
      `Kubernetes at ${server} shows a certificate that we do not trust (${code}). Give the cluster's CA, or the address that the certificate names.`,
      { reason: "KUBERNETES_UNTRUSTED", metadata: { ...metadata, code }, cause: error },
    );
  }
  return new ControlPlaneError(
    "UNAVAILABLE",
    `Kubernetes at ${server} cannot be reached for ${what}: ${quoted(message)}. Try again in a moment.`,
    { reason: "KUBERNETES_UNREACHABLE", metadata, cause: error },
  );
}
