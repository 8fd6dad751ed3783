// Check runs of one App: found again by `external_id`, so that a reply that was lost leaves one run and not two.
import { type Static, Type } from "typebox";
import { invalidArgument } from "../../domain/errors.ts";
import { type Check, CHECK_ANNOTATION_BYTES_MAX } from "../../ports/checks.ts";
import type { Send } from "./send.ts";
import { checkMarker, readCheckMarker } from "./marker.ts";
import { pages } from "./pages.ts";

/** Annotations of one request (https://docs.github.com/rest/checks/runs). */
export const ANNOTATIONS_PER_REQUEST_MAX = 50;
/** Annotations of one check: more requests than these would only hide the first ones. */
export const ANNOTATIONS_MAX = 500;
/** Characters of a check run's summary. */
const SUMMARY_LENGTH_MAX = 65_535;

const MaybeText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

/** A check run as GitHub answers it. */
export const CheckRun = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  head_sha: Type.String(),
  name: Type.String(),
  external_id: MaybeText,
  status: Type.String(),
  conclusion: MaybeText,
  details_url: MaybeText,
  output: Type.Object({
    title: MaybeText,
    summary: MaybeText,
    text: MaybeText,
    annotations_count: Type.Integer({ minimum: 0 }),
  }),
});
const CheckRuns = Type.Object({ check_runs: Type.Array(CheckRun) });
const AnnotationsAnswer = Type.Array(
  Type.Object({ path: Type.String(), start_line: Type.Integer(), message: MaybeText }),
);

/** One run. */
export type Run = Static<typeof CheckRun>;
type Annotation = Check["annotations"][number];

/** Where runs are. */
export interface CheckRunPlace {
  readonly send: Send;
  readonly owner: string;
  readonly repo: string;
  readonly appId: number;
}

/** Refuses what GitHub would refuse, before half of it is written. */
export function requireCheck(check: Check): void {
  const problem = (field: string, message: string) => invalidArgument(field, `${field} ${message}`);
  if (check.summary.length > SUMMARY_LENGTH_MAX)
    throw problem("summary", `is longer than ${SUMMARY_LENGTH_MAX} characters: cut it.`);
  if (check.annotations.length > ANNOTATIONS_MAX)
    throw problem("annotations", `are more than ${ANNOTATIONS_MAX}: send the first ones.`);
  if (check.annotations.some(({ message }) => Buffer.byteLength(message) > CHECK_ANNOTATION_BYTES_MAX))
    throw problem("annotations", `have a message of more than ${CHECK_ANNOTATION_BYTES_MAX} bytes: cut it.`);
  if ((check.status === "completed") !== (check.conclusion !== undefined))
    throw problem("conclusion", "belongs to completed checks, and to all of them.");
}

/** All runs of this App on a commit, of one name if one is given, newest first. */
export async function listRuns(place: CheckRunPlace, commit: string, name?: string): Promise<readonly Run[]> {
  const { send, owner, repo, appId } = place;
  const named = name === undefined ? {} : { check_name: name };
  const runs: Run[] = [];
  const request = {
    route: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
    parameters: { owner, repo, ref: commit, app_id: appId, filter: "all", ...named },
    what: `GitHub ${owner}/${repo} checks of ${commit}`,
  };
  for await (const part of pages(send, CheckRuns, request)) runs.push(...part.check_runs);
  return runs.sort((one, other) => other.id - one.id);
}

const keyOf = ({ path, line, message }: Annotation): string =>
  JSON.stringify([path, Math.max(1, line), message]);

/** What a run shows at lines of files. GitHub only ever adds to it. */
async function shownAnnotations(
  { send, owner, repo }: CheckRunPlace,
  run: Run,
): Promise<ReadonlySet<string>> {
  const shown = new Set<string>();
  if (run.output.annotations_count === 0) return shown;
  const request = {
    route: "GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations",
    parameters: { owner, repo, check_run_id: run.id },
    what: `GitHub ${owner}/${repo} annotations of ${run.name}`,
  };
  for await (const part of pages(send, AnnotationsAnswer, request))
    for (const { path, start_line: line, message } of part)
      shown.add(keyOf({ path, line, message: message ?? "" }));
  return shown;
}

function bodyOf(check: Check, annotations: readonly Annotation[]) {
  const level = check.conclusion === "failure" ? "failure" : "warning";
  return {
    name: check.name,
    external_id: check.id,
    status: check.status,
    ...(check.conclusion === undefined
      ? {}
      : { conclusion: check.conclusion, completed_at: check.updatedAt }),
    ...(check.detailsUrl === undefined ? {} : { details_url: check.detailsUrl }),
    ...(check.actions === undefined
      ? {}
      : {
          actions: check.actions.map(({ id, label, description }) => ({
            identifier: id,
            label,
            description,
          })),
        }),
    output: {
      title: check.title,
      summary: check.summary,
      text: checkMarker(check.updatedAt),
      annotations: annotations.map(({ path, line, message }) => ({
        path,
        start_line: Math.max(1, line),
        end_line: Math.max(1, line),
        annotation_level: level,
        message,
      })),
    },
  };
}

async function update(place: CheckRunPlace, id: number, check: Check, annotations: readonly Annotation[]) {
  const { send, owner, repo } = place;
  await send(CheckRun, {
    route: "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
    parameters: { owner, repo, check_run_id: id, ...bodyOf(check, annotations) },
    what: `GitHub ${check.repository} check ${check.name}`,
  });
}

/** An older run of the same check must not stay open: a required check would wait for it. */
async function closeLeftover({ send, owner, repo }: CheckRunPlace, run: Run): Promise<void> {
  if (run.status === "completed") return;
  await send(CheckRun, {
    route: "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
    parameters: { owner, repo, check_run_id: run.id, status: "completed", conclusion: "neutral" },
    what: `GitHub ${owner}/${repo} check ${run.name}`,
  });
}

/** The runs of this check, newest first. */
export async function runsOf(place: CheckRunPlace, check: Check): Promise<readonly Run[]> {
  const runs = await listRuns(place, check.commit, check.name);
  return runs.filter(({ external_id: id }) => id === check.id);
}

/** Brings the check to GitHub: into the run that is there if it can show it, else into a new one. Annotations go in batches. */
export async function writeRun(place: CheckRunPlace, check: Check, runs: readonly Run[]): Promise<void> {
  const [newest, ...older] = runs;
  const wanted = new Map(check.annotations.map((each) => [keyOf(each), each]));
  const shown = newest === undefined ? new Set<string>() : await shownAnnotations(place, newest);
  // A run cannot take an annotation back, so a check that has fewer needs a new run.
  const usable = newest !== undefined && [...shown].every((key) => wanted.has(key)) ? newest : undefined;
  const rest = [...wanted].filter(([key]) => usable === undefined || !shown.has(key)).map(([, each]) => each);
  const batch = rest.splice(0, ANNOTATIONS_PER_REQUEST_MAX);
  let { id } = usable ?? { id: 0 };
  if (usable === undefined) {
    const { send, owner, repo } = place;
    const { data } = await send(CheckRun, {
      route: "POST /repos/{owner}/{repo}/check-runs",
      parameters: { owner, repo, head_sha: check.commit, ...bodyOf(check, batch) },
      what: `GitHub ${check.repository} check ${check.name}`,
    });
    ({ id } = data);
  } else {
    await update(place, id, check, batch);
  }
  while (rest.length > 0) await update(place, id, check, rest.splice(0, ANNOTATIONS_PER_REQUEST_MAX));
  for (const run of usable === undefined ? runs : older) await closeLeftover(place, run);
}

const STATUSES = ["queued", "in_progress", "completed"] as const;
const CONCLUSIONS = ["success", "failure", "neutral", "action_required"] as const;

/** A run as a check; undefined for one that is not ours, or has a state that we never give. */
export async function readRun(
  place: CheckRunPlace,
  repository: string,
  run: Run,
): Promise<Check | undefined> {
  const status = STATUSES.find((each) => each === run.status);
  const conclusion = CONCLUSIONS.find((each) => each === run.conclusion);
  const updatedAt = readCheckMarker(run.output.text);
  if (status === undefined || updatedAt === undefined || typeof run.external_id !== "string")
    return undefined;
  const annotations = [...(await shownAnnotations(place, run))].map((key) => {
    const [path = "", line = 1, message = ""] = JSON.parse(key) as [string?, number?, string?];
    return { path, line, message };
  });
  return {
    id: run.external_id,
    repository,
    commit: run.head_sha,
    name: run.name,
    status,
    ...(conclusion === undefined ? {} : { conclusion }),
    title: run.output.title ?? "",
    summary: run.output.summary ?? "",
    ...(typeof run.details_url === "string" ? { detailsUrl: run.details_url } : {}),
    annotations,
    updatedAt,
  };
}
