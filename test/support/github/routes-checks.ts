// Check runs and comments: https://docs.github.com/rest/checks/runs, https://docs.github.com/rest/issues/comments.
import type { Answer, Route, RouteCall } from "./routes.ts";
import { type FakeCheckRun, FakeError, type FakeRepository, git, page, unprocessable } from "./world.ts";

/** Annotations of one request (https://docs.github.com/rest/checks/runs#create-a-check-run). */
const ANNOTATIONS_MAX = 50;
/** Bytes of an annotation's message: 64 KB. */
const MESSAGE_BYTES_MAX = 65_536;
/** Characters of summary and text. */
const TEXT_LENGTH_MAX = 65_535;
/** Characters of a comment. */
const BODY_LENGTH_MAX = 65_536;
/** Buttons of a check. */
const ACTIONS_MAX = 3;
const STATUSES = ["queued", "in_progress", "completed"];
const CONCLUSIONS = ["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"];

type Body = Record<string, unknown>;

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

const word = (value: unknown): string => text(value) ?? "";

function checkAnnotations(annotations: unknown): Body[] {
  if (annotations === undefined) return [];
  if (!Array.isArray(annotations) || annotations.length > ANNOTATIONS_MAX)
    throw new FakeError(422, "Invalid request.\n\nNo more than 50 items are allowed.");
  return (annotations as Body[]).map((each) => {
    for (const field of ["path", "start_line", "end_line", "annotation_level", "message"])
      if (each[field] === undefined) throw unprocessable("CheckRun", `annotations.${field}`, "missing_field");
    if (typeof each["start_line"] !== "number" || each["start_line"] < 1)
      throw unprocessable("CheckRun", "annotations.start_line", "invalid");
    if (!["notice", "warning", "failure"].includes(word(each["annotation_level"])))
      throw unprocessable("CheckRun", "annotations.annotation_level", "invalid");
    if (Buffer.byteLength(word(each["message"])) > MESSAGE_BYTES_MAX)
      throw new FakeError(422, "Invalid request.\n\nannotations.message is larger than 64 KB.");
    return each;
  });
}

/** Takes over what a request says of a run; annotations are added, never replaced. */
function take(run: FakeCheckRun, body: Body): void {
  const { output, actions } = body as {
    output?: Body;
    actions?: { label: string; description: string; identifier: string }[];
  };
  if (body["status"] !== undefined && !STATUSES.includes(word(body["status"])))
    throw unprocessable("CheckRun", "status", "invalid");
  if (body["conclusion"] !== undefined && !CONCLUSIONS.includes(word(body["conclusion"])))
    throw unprocessable("CheckRun", "conclusion", "invalid");
  if (body["status"] === "completed" && body["conclusion"] === undefined)
    throw unprocessable("CheckRun", "conclusion", "missing_field");
  if (output !== undefined) {
    if (text(output["title"]) === null || text(output["summary"]) === null)
      throw unprocessable("CheckRun", "output", "missing_field");
    for (const field of ["summary", "text"])
      if ((text(output[field]) ?? "").length > TEXT_LENGTH_MAX)
        throw new FakeError(
          422,
          `Invalid request.\n\nOnly ${TEXT_LENGTH_MAX} characters are allowed; ${field} is longer.`,
        );
  }
  if (actions !== undefined && actions.length > ACTIONS_MAX)
    throw new FakeError(422, "Invalid request.\n\nNo more than 3 items are allowed.");
  for (const { label, description, identifier } of actions ?? [])
    if (label.length > 20 || description.length > 40 || identifier.length > 20)
      throw unprocessable("CheckRun", "actions", "invalid");
  const annotations = checkAnnotations(output?.["annotations"]);
  if (body["name"] !== undefined) run.name = word(body["name"]);
  if (body["external_id"] !== undefined) run.externalId = word(body["external_id"]);
  if (body["details_url"] !== undefined) run.detailsUrl = text(body["details_url"]);
  if (body["started_at"] !== undefined) run.startedAt = text(body["started_at"]);
  if (body["completed_at"] !== undefined) run.completedAt = text(body["completed_at"]);
  if (body["conclusion"] !== undefined) {
    run.conclusion = word(body["conclusion"]);
    run.status = "completed";
  } else if (body["status"] !== undefined) {
    run.status = word(body["status"]);
    run.conclusion = null;
  }
  if (actions !== undefined) run.actions = actions;
  if (output === undefined) return;
  run.output = { title: text(output["title"]), summary: text(output["summary"]), text: text(output["text"]) };
  run.annotations.push(...annotations);
}

const runBody = (run: FakeCheckRun): Body => ({
  id: run.id,
  head_sha: run.headSha,
  name: run.name,
  external_id: run.externalId,
  status: run.status,
  conclusion: run.conclusion,
  details_url: run.detailsUrl,
  started_at: run.startedAt,
  completed_at: run.completedAt,
  output: { ...run.output, annotations_count: run.annotations.length },
  app: { id: run.appId },
});

function requireRun({ runs, id, appId }: { runs: FakeCheckRun[]; id: number; appId?: number }): FakeCheckRun {
  const run = runs.find((each) => each.id === id);
  if (run === undefined) throw new FakeError(404, "Not Found");
  if (appId !== undefined && run.appId !== appId)
    throw new FakeError(
      403,
      "Invalid app_id `1` - check run can only be modified by the GitHub App that created it.",
    );
  return run;
}

function createRun({ repository, body, settings, nextId }: RouteCall): Answer {
  const sha = word(body["head_sha"]);
  if (git(repository, ["cat-file", "-e", `${sha}^{commit}`]) === undefined)
    throw new FakeError(422, `No commit found for SHA: ${sha}`);
  if (typeof body["name"] !== "string" || body["name"] === "")
    throw unprocessable("CheckRun", "name", "missing_field");
  const run: FakeCheckRun = {
    id: nextId(),
    appId: settings.appId,
    headSha: sha,
    name: body["name"],
    externalId: "",
    status: "queued",
    conclusion: null,
    detailsUrl: null,
    startedAt: null,
    completedAt: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
    actions: [],
  };
  take(run, body);
  repository.checkRuns.push(run);
  return { status: 201, body: runBody(run) };
}

function listRuns({ repository, params, query, url, isStale }: RouteCall): Answer {
  const sha = params["sha"] ?? "";
  const named = query.get("check_name");
  const app = query.get("app_id");
  let runs = repository.checkRuns.filter(
    (run) =>
      run.headSha === sha &&
      (named === null || run.name === named) &&
      (app === null || run.appId === Number(app)),
  );
  // A replica that is behind does not know the newest run yet.
  if (isStale) runs = runs.slice(0, -1);
  if ((query.get("filter") ?? "latest") === "latest") {
    runs = runs.filter((run) => !runs.some((other) => other.name === run.name && other.id > run.id));
  }
  const { items, headers } = page(runs, query, url);
  return { status: 200, body: { total_count: runs.length, check_runs: items.map(runBody) }, headers };
}

function requireBody(body: Body): string {
  const given = body["body"];
  if (typeof given !== "string" || given === "") throw unprocessable("IssueComment", "body", "missing_field");
  if (given.length > BODY_LENGTH_MAX)
    throw unprocessable(
      "IssueComment",
      "data",
      "unprocessable",
      `Body is too long (maximum is ${BODY_LENGTH_MAX} characters)`,
    );
  return given;
}

function commentBody(comment: FakeRepository["comments"][number]): Body {
  return {
    id: comment.id,
    body: comment.body,
    user: { login: comment.login },
    performed_via_github_app: comment.appId === null ? null : { id: comment.appId },
  };
}

const REPO = "^/repos/(?<repo>[^/]+/[^/]+)";

/** Routes of check runs and comments. */
export const CHECK_ROUTES: readonly Route[] = [
  { method: "POST", path: new RegExp(`${REPO}/check-runs$`), permission: "checks", handle: createRun },
  {
    method: "PATCH",
    path: new RegExp(`${REPO}/check-runs/(?<id>\\d+)$`),
    permission: "checks",
    handle: ({ repository, params, body, settings }) => {
      const run = requireRun({ runs: repository.checkRuns, id: Number(params["id"]), appId: settings.appId });
      take(run, body);
      return { status: 200, body: runBody(run) };
    },
  },
  {
    method: "GET",
    path: new RegExp(`${REPO}/check-runs/(?<id>\\d+)/annotations$`),
    permission: "checks",
    handle: ({ repository, params, query, url }) => {
      const run = requireRun({ runs: repository.checkRuns, id: Number(params["id"]) });
      const { items, headers } = page(run.annotations, query, url);
      return { status: 200, body: items, headers };
    },
  },
  {
    method: "GET",
    path: new RegExp(`${REPO}/commits/(?<sha>[^/]+)/check-runs$`),
    permission: "checks",
    handle: listRuns,
  },
  {
    method: "GET",
    path: new RegExp(`${REPO}/issues/(?<number>\\d+)/comments$`),
    permission: "pull_requests",
    handle: ({ repository, params, query, url, isStale }) => {
      let found = repository.comments.filter(({ issue }) => issue === Number(params["number"]));
      if (isStale) found = found.slice(0, -1);
      const { items, headers } = page(found, query, url);
      return { status: 200, body: items.map(commentBody), headers };
    },
  },
  {
    method: "POST",
    path: new RegExp(`${REPO}/issues/(?<number>\\d+)/comments$`),
    permission: "pull_requests",
    handle: ({ repository, params, body, settings, nextId }) => {
      const number = Number(params["number"]);
      if (!repository.pulls.has(number)) throw new FakeError(404, "Not Found");
      const comment = {
        id: nextId(),
        issue: number,
        appId: settings.appId,
        login: "signalbox[bot]",
        body: requireBody(body),
      };
      repository.comments.push(comment);
      return { status: 201, body: commentBody(comment) };
    },
  },
  {
    method: "PATCH",
    path: new RegExp(`${REPO}/issues/comments/(?<id>\\d+)$`),
    permission: "pull_requests",
    handle: ({ repository, params, body }) => {
      const comment = repository.comments.find(({ id }) => id === Number(params["id"]));
      if (comment === undefined) throw new FakeError(404, "Not Found");
      comment.body = requireBody(body);
      return { status: 200, body: commentBody(comment) };
    },
  },
  {
    method: "DELETE",
    path: new RegExp(`${REPO}/issues/comments/(?<id>\\d+)$`),
    permission: "pull_requests",
    handle: ({ repository, params }) => {
      const index = repository.comments.findIndex(({ id }) => id === Number(params["id"]));
      if (index < 0) throw new FakeError(404, "Not Found");
      repository.comments.splice(index, 1);
      return { status: 204, body: undefined };
    },
  },
];
