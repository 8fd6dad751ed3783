// Ray through its Jobs REST API (`/api/jobs/`, served by the head's dashboard; Ray 2.x, API version 4).
import { shownUrl } from "../../domain/credentials.ts";
import { ControlPlaneError, failedPrecondition, invalidArgument, notFound } from "../../domain/errors.ts";
import { createRedact, redactTexts } from "../../domain/redact.ts";
import type { Cluster, RayJob, RayJobStatus } from "../../ports/cluster.ts";
import { createRayClient, type RayAnswer } from "./cluster-client.ts";

/** Where the head is. */
export interface ClusterOptions {
  /** Base URL of the dashboard, such as http://127.0.0.1:8265; undefined when there is no Ray. */
  readonly address: string | undefined;
  /** The head's token, when it asks for one (`RAY_AUTH_MODE=token`). */
  readonly token?: string;
  /** Longest wait for one answer; default `RAY_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Texts that are never shown, besides the token and what has a known form. */
  readonly secrets?: readonly string[];
}

// Ray makes file names out of submission ids, and a slash in one is answered by a traceback.
const SUBMISSION_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const STATES: ReadonlySet<string> = new Set(["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]);

const ABSENT: RayJobStatus = { state: "absent", message: "The head does not know this job." };

function requireId(submissionId: string): string {
  if (SUBMISSION_ID.test(submissionId)) return submissionId;
  throw invalidArgument(
    "submissionId",
    `${JSON.stringify(submissionId.slice(0, 120))} is not a submission id: use letters, digits, dots, dashes and underscores, at most 100.`,
  );
}

/** The last line of a Python traceback says what happened; the rest is the head's own business. */
function reasonOf(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && line.trim() !== ".");
  return (lines.at(-1) ?? "no reason given").trim().slice(0, 500);
}

function unexpected(what: string, { status, text }: RayAnswer): ControlPlaneError {
  const message = `Ray answered ${status} when asked to ${what}: ${reasonOf(text)}`;
  const metadata = { status: String(status) };
  if (status === 401 || status === 403) {
    return failedPrecondition(
      "RAY_UNAUTHORIZED",
      `${message} Give the head's token (SIGNALBOX_RAY_TOKEN).`,
      metadata,
    );
  }
  if (status >= 400 && status < 500)
    return new ControlPlaneError("INVALID_ARGUMENT", message, { reason: "RAY_REFUSED", metadata });
  return new ControlPlaneError("UNAVAILABLE", message, { reason: "RAY_ERROR", metadata });
}

function statusOf(answer: RayAnswer): RayJobStatus {
  const job = answer.json as { readonly status?: unknown; readonly message?: unknown } | undefined;
  const state = String(job?.status);
  if (!STATES.has(state)) throw unexpected("tell a job's status", { ...answer, status: 502 });
  return {
    state: state as RayJobStatus["state"],
    message: typeof job?.message === "string" ? job.message : "",
  };
}

/** The cluster behind a Jobs API. Without an address every method is FAILED_PRECONDITION `NO_RAY`. */
export function createCluster(options: ClusterOptions): Cluster {
  const { address, token, secrets = [] } = options;
  const redact = createRedact(token === undefined ? secrets : [...secrets, token]);
  // What jobs print and what the head says is others' text: it is looked through before anybody keeps or shows it.
  const ask = createRayClient(options);
  const client: typeof ask = async (...call) => {
    const answer = await ask(...call);
    const text = answer.status === 200 ? "" : redact(answer.text);
    return { ...answer, text, json: redactTexts(answer.json, redact) };
  };
  const path = (submissionId: string) => `/api/jobs/${requireId(submissionId)}`;

  async function status(submissionId: string): Promise<RayJobStatus> {
    const answer = await client("GET", path(submissionId));
    if (answer.status === 404) return ABSENT;
    if (answer.status !== 200) throw unexpected(`tell the status of ${submissionId}`, answer);
    return statusOf(answer);
  }

  return {
    address: address === undefined ? undefined : shownUrl(address),
    status,
    async submit(job: RayJob) {
      requireId(job.submissionId);
      if ((await status(job.submissionId)).state !== "absent") return;
      const answer = await client("POST", "/api/jobs/", {
        submission_id: job.submissionId,
        entrypoint: job.entrypoint,
        runtime_env: job.runtimeEnvironment,
        metadata: job.metadata,
      });
      if (answer.status === 200) return;
      // A job that another caller submitted in between is answered with 500 and a traceback: look instead of reading prose.
      if ((await status(job.submissionId)).state !== "absent") return;
      throw unexpected(`run ${job.submissionId}`, answer);
    },
    async stop(submissionId) {
      const answer = await client("POST", `${path(submissionId)}/stop`);
      if (answer.status !== 200 && answer.status !== 404) throw unexpected(`stop ${submissionId}`, answer);
    },
    async logs(submissionId) {
      const answer = await client("GET", `${path(submissionId)}/logs`);
      if (answer.status === 404)
        throw notFound(`The log of job ${submissionId}`, "The head knows no such job.");
      if (answer.status !== 200) throw unexpected(`give the log of ${submissionId}`, answer);
      const log = (answer.json as { readonly logs?: unknown } | undefined)?.logs;
      return typeof log === "string" ? log : "";
    },
  };
}
