// The lists: one table a resource. What has a beginning and an end is listed newest first.
import type { Command } from "commander";
import { lastId, sharesText, shortName } from "../names.ts";
import {
  type CommandContext,
  listAll,
  partOf,
  type Resource,
  rowCount,
  session,
  type TableOf,
  textOf,
} from "../output.ts";
import { age, type Column } from "../table.ts";
import { once, watchable } from "../watch.ts";

type Row = Resource;

/** Sentences are worth more room than names. */
const SENTENCE_WIDTH_MAX = 160;

const column = (heading: string, key: string): Column<Row> => ({ heading, value: (row) => textOf(row, key) });
const sentence = (heading: string, value: Column<Row>["value"]): Column<Row> => ({
  heading,
  value,
  widthMax: SENTENCE_WIDTH_MAX,
});
const named = (heading: string): Column<Row> => ({
  heading,
  value: (row) => shortName(textOf(row, "name") ?? ""),
});
const updated = (now: number): Column<Row> => ({
  heading: "updated",
  value: (row) => age(textOf(row, "updateTime"), now),
});

/** `5 to create, 1 to delete`. */
function changesText(counts: Resource | undefined): string | undefined {
  if (counts === undefined) return undefined;
  const some = Object.entries(counts).filter(([action, count]) => action !== "read" && Number(count) > 0);
  return some.map(([action, count]) => `${String(count)} to ${action}`).join(", ") || "none";
}

function approvalText(row: Row): string | undefined {
  const required = Number(row["approvalsRequired"] ?? 0);
  if (row["approvalsRequired"] === undefined) return undefined;
  if (required === 0) return "none needed";
  const given = (row["approvals"] as readonly unknown[] | undefined)?.length ?? 0;
  return `${given} of ${required}: ${textOf(row, "approvalReason") ?? ""}`;
}

const failureText = (row: Row): string | undefined => textOf(partOf(row, "failure"), "message");

function holdText(row: Row, now: number): string {
  const hold = partOf(row, "hold");
  return hold === undefined
    ? "no"
    : `held ${age(textOf(hold, "time"), now)}: ${textOf(hold, "reason") ?? ""}`;
}

/** Why a rollout stands where it stands: its end, or what the judge says so far. */
function verdictText(row: Row): string | undefined {
  const ended = textOf(row, "reason");
  const release = partOf(row, "release");
  const paused = row["paused"] === true ? `Paused: ${textOf(row, "pauseReason") ?? ""} ` : "";
  const judged = textOf(partOf(row, "judgement"), "sentence");
  const steps = (row["steps"] ?? []) as readonly Row[];
  const evidence = textOf(steps.at(-1), "evidence");
  return `${paused}${ended ?? judged ?? textOf(release, "message") ?? evidence ?? ""}`;
}

interface ListOf {
  readonly command: string;
  readonly path: string;
  readonly description: string;
  /** Sorted by creation, newest first; else by name. */
  readonly newestFirst?: true;
  readonly shown: (rows: readonly Row[], now: number) => TableOf<Row>;
}

const LISTS: readonly ListOf[] = [
  {
    command: "stacks",
    path: "/v1/stacks",
    description: "Terraform stacks and how their last apply ended",
    shown: (rows, now) => ({
      empty: "No stacks yet: declare one in .signalbox.yaml, open a pull request and merge it.",
      columns: [
        named("stack"),
        column("state", "state"),
        column("repository", "repository"),
        { heading: "applied", value: (row) => textOf(row, "appliedCommit")?.slice(0, 10) },
        updated(now),
      ],
      notes: rows
        .filter(({ state }) => state === "BLOCKED")
        .map(
          (row) =>
            `${shortName(textOf(row, "name") ?? "")} is blocked: ${textOf(partOf(row, "blocked"), "reason") ?? ""}\n` +
            `  signalbox unblock ${shortName(textOf(row, "name") ?? "")} --reason 'what you found'`,
        ),
    }),
  },
  {
    command: "plans",
    path: "/v1/stacks/-/plans",
    description: "Plans, what they change and whether someone must approve them",
    newestFirst: true,
    shown: (_, now) => ({
      empty: "No plans yet: a pull request that touches a stack makes one.",
      columns: [
        column("plan", "name"),
        column("state", "state"),
        { heading: "changes", value: (row) => changesText(partOf(row, "counts")) },
        sentence("approvals", (row) => failureText(row) ?? approvalText(row)),
        updated(now),
      ],
    }),
  },
  {
    command: "models",
    path: "/v1/teams/-/models",
    description: "Models and their latest versions (signalbox versions MODEL lists all)",
    shown: (_, now) => ({
      empty: "No models yet: publish a model-registered event (signalbox events publish FILE).",
      columns: [
        named("model"),
        column("versions", "versionCount"),
        column("latest", "latestVersion"),
        column("verified", "latestVerifiedVersion"),
        updated(now),
      ],
    }),
  },
  {
    command: "endpoints",
    path: "/v1/teams/-/endpoints",
    description: "Endpoints: who serves, with which weight, and whether they are held",
    shown: (rows, now) => ({
      empty: "No endpoints yet: declare one in .signalbox.yaml on the default branch.",
      columns: [
        named("endpoint"),
        {
          heading: "version: weight",
          value: (row) => sharesText(row["weights"] as Record<string, number>) || "nothing serves",
        },
        { heading: "rollout", value: (row) => lastId(textOf(row, "running") ?? "") },
        { heading: "waiting", value: (row) => (row["waiting"] as readonly unknown[] | undefined)?.length },
        column("epoch", "epoch"),
        sentence("hold", (row) => holdText(row, now)),
      ],
      notes: rows.flatMap((row) => {
        const problem = textOf(row, "problem");
        return problem === undefined ? [] : [`${shortName(textOf(row, "name") ?? "")}: ${problem}`];
      }),
    }),
  },
  {
    command: "rollouts",
    path: "/v1/teams/-/endpoints/-/rollouts",
    description: "Rollouts and the evidence of their verdicts",
    newestFirst: true,
    shown: (_, now) => ({
      empty: "No rollouts yet: a registered version of an endpoint's model starts one.",
      columns: [
        { heading: "rollout", value: (row) => lastId(textOf(row, "name") ?? "") },
        { heading: "version", value: (row) => lastId(textOf(row, "modelVersion") ?? "") },
        column("state", "state"),
        { heading: "weight", value: (row) => `${textOf(row, "weight") ?? "0"} %` },
        updated(now),
        sentence("verdict", verdictText),
      ],
    }),
  },
  {
    command: "runs",
    path: "/v1/teams/-/runs",
    description: "Ray runs",
    newestFirst: true,
    shown: (_, now) => ({
      empty: "No runs yet: POST /v1/runs, or publish a run-requested event (signalbox events publish FILE).",
      columns: [
        named("run"),
        column("state", "state"),
        { heading: "dataset", value: (row) => textOf(row, "datasetVersion")?.split("/").slice(3).join("/") },
        updated(now),
        sentence("message", (row) => textOf(row, "message") ?? textOf(row, "reason")),
      ],
    }),
  },
  {
    command: "dead-letters",
    path: "/v1/deadLetters",
    description: "Messages that no retry could help (dead-letters replay, dead-letters purge)",
    shown: (_, now) => ({
      empty: "No dead letters: every message was handled.",
      columns: [
        { heading: "letter", value: (row) => lastId(textOf(row, "name") ?? "") },
        { heading: "fact", value: (row) => textOf(partOf(row, "payload"), "type") },
        column("state", "state"),
        column("failures", "failures"),
        column("reason", "reason"),
        { heading: "since", value: (row) => age(textOf(row, "createTime"), now) },
        sentence("message", (row) => textOf(row, "message")),
      ],
    }),
  },
];

const newest = (one: Row, other: Row): number =>
  (textOf(other, "createTime") ?? "") > (textOf(one, "createTime") ?? "") ? 1 : -1;

/** Adds `stacks`, `plans`, `models`, `endpoints`, `rollouts`, `runs` and `dead-letters`. */
export function addLists(program: Command, context: CommandContext): void {
  for (const { command: name, path, description, newestFirst, shown } of LISTS) {
    watchable(program.command(name))
      .description(description)
      .option("--limit <rows>", "how many rows at the most", rowCount, 100)
      .addHelpText(
        "after",
        `\nExamples:\n  $ signalbox ${name}\n  $ signalbox ${name} --limit 10 --json\n  $ signalbox ${name} --watch`,
      )
      .action(async ({ limit }: { limit: number }, command: Command) =>
        once(command, context, async (looking) => {
          const api = session(command, looking);
          const all = await listAll<Row>(api, path);
          const rows = (newestFirst === true ? all.toSorted(newest) : all).slice(0, limit);
          api.table(rows, shown(rows, context.now()));
        }),
      );
  }
}
