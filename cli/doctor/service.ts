// The running control plane, asked over its own API: does it answer, does its clock agree, what waits for a person.
import type { Connection } from "../connection.ts";
import { callJson, PUBLIC_PATH } from "../call.ts";
import { fetchWith } from "../transport.ts";
import { failure, fine, type Finding, skipped, warning } from "./finding.ts";

/** How long one look may take. */
export const LOOK_MS = 10_000;
/** A difference of clocks from which signatures and tokens begin to fail. */
export const SKEW_FAILURE_MS = 60_000;
/** A difference that is worth a word. */
export const SKEW_WARNING_MS = 5_000;

/** Compares a clock with the `date` of an answer, which has whole seconds. */
export function skewFinding(name: string, date: string | null, nowMs: number): readonly Finding[] {
  const theirs = Date.parse(date ?? "");
  if (!Number.isFinite(theirs)) return [];
  const apart = Math.max(0, Math.abs(theirs - nowMs) - 1_000);
  const what = `The clocks of ${name} and of this machine are ${Math.round(apart / 1_000)} s apart.`;
  const remedy = "Let both machines take their time from NTP.";
  if (apart > SKEW_FAILURE_MS) return [failure("clock", what, remedy)];
  if (apart > SKEW_WARNING_MS) return [warning("clock", what, remedy)];
  return [fine("clock", `The clocks of ${name} and of this machine agree.`)];
}

/** What the answer at `PUBLIC_PATH` is. */
const PUBLIC_TYPE = "application/schema+json";

/** Whether it answers, and with which time. The token is shown because at Cloud Run's door IAM asks for one. */
export async function reachFindings(
  { url, token, trust }: Connection,
  now: () => number,
): Promise<readonly Finding[]> {
  const fetchIt = await fetchWith(trust);
  const answer = await fetchIt(`${url}${PUBLIC_PATH}`, {
    headers: { authorization: `Bearer ${token}` },
    redirect: "manual",
    signal: AbortSignal.timeout(LOOK_MS),
  });
  await answer.body?.cancel();
  const broken = (what: string, remedy: string) => [failure("control plane", `${url} ${what}.`, remedy)];
  if (answer.status >= 500) return broken(`answers ${answer.status}`, "Read its log, and start it again.");
  if (!answer.ok)
    return broken(
      `answers ${answer.status}`,
      "See that the address is that of the API, and the token is for it.",
    );
  if (!(answer.headers.get("content-type") ?? "").startsWith(PUBLIC_TYPE))
    return broken("is answered by somebody else", "See that no sign-in page or proxy answers in its place.");
  return [
    fine("control plane", `${url} answers.`),
    ...skewFinding("the control plane", answer.headers.get("date"), now()),
  ];
}

/** What lies in the dead-letter list. */
export async function deadLetterFindings(connection: Connection): Promise<readonly Finding[]> {
  const path = "/v1/deadLetters?pageSize=100";
  const { deadLetters = [] } = await callJson<{ deadLetters?: readonly unknown[] }>(connection, {
    method: "GET",
    path,
    timeoutMs: LOOK_MS,
  });
  if (deadLetters.length === 0) return [fine("dead letters", "No message waits for a person.")];
  const count = deadLetters.length === 100 ? "100 or more messages wait" : `${deadLetters.length} wait`;
  return [
    failure(
      "dead letters",
      `${count} for a person.`,
      "Look with `signalbox dead-letters`, then replay or purge them.",
    ),
  ];
}

/** How a webhook answers a delivery that nobody signed. */
async function unsignedStatus(url: string, fetchIt: typeof fetch): Promise<number> {
  const answer = await fetchIt(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-github-event": "ping", "x-github-delivery": "doctor" },
    body: "{}",
    redirect: "manual",
    signal: AbortSignal.timeout(LOOK_MS),
  });
  await answer.body?.cancel();
  return answer.status;
}

function judged(url: string, status: number): readonly Finding[] {
  if (status === 401) return [fine("webhook", `${url} answers, and refuses what nobody signed.`)];
  return [
    failure(
      "webhook",
      `${url} answers ${status} to a delivery that nobody signed; 401 is right.`,
      "See that the address leads to the webhook of this control plane, with no sign-in page in between.",
    ),
  ];
}

/** Whether a webhook is there and refuses what is not signed. */
export async function webhookFindings(url: string, fetchIt: typeof fetch): Promise<readonly Finding[]> {
  return judged(url, await unsignedStatus(url, fetchIt));
}

/** The same at a control plane's own address; on Google Cloud the webhook is a service of its own, so the API has none. */
export async function ownWebhookFindings(url: string, fetchIt: typeof fetch): Promise<readonly Finding[]> {
  const status = await unsignedStatus(url, fetchIt);
  if (status !== 404) return judged(url, status);
  return [
    skipped("webhook", `${new URL(url).origin} has none: the address that the GitHub App has is the one.`),
  ];
}
