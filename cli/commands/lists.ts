// The lists: one table a resource, newest facts at the end of the eye's way.
import type { Command } from "commander";
import { type CommandContext, listAll, session } from "../output.ts";
import { age, type Column } from "../table.ts";

type Row = Readonly<Record<string, unknown>>;

const text = (row: Row, key: string): string | undefined => {
  const value = row[key];
  return value === undefined || value === null
    ? undefined
    : typeof value === "string"
      ? value
      : JSON.stringify(value);
};
const short = (name: string | undefined): string | undefined => name?.slice(name.lastIndexOf("/") + 1);
const column = (heading: string, key: string): Column<Row> => ({ heading, value: (row) => text(row, key) });
const lastIds = (value: unknown): string =>
  Object.entries((value ?? {}) as Record<string, number>)
    .map(([version, weight]) => `${short(version)} ${weight} %`)
    .join(", ") || "none";

interface ListOf {
  readonly command: string;
  readonly path: string;
  readonly description: string;
  readonly empty: string;
  readonly columns: (now: number) => readonly Column<Row>[];
}

const name: Column<Row> = { heading: "name", value: (row) => text(row, "name") };
const since = (now: number): Column<Row> => ({
  heading: "updated",
  value: (row) => age(text(row, "updateTime"), now),
});

const LISTS: readonly ListOf[] = [
  {
    command: "stacks",
    path: "/v1/stacks",
    description: "Terraform stacks and how their last apply ended",
    empty: "No stacks yet: declare one in .signalbox.yaml, open a pull request and merge it.",
    columns: (now) => [
      name,
      column("state", "state"),
      { heading: "repository", value: (row) => text(row, "repository") },
      { heading: "commit", value: (row) => text(row, "appliedCommit")?.slice(0, 10) },
      since(now),
    ],
  },
  {
    command: "plans",
    path: "/v1/stacks/-/plans",
    description: "Plans, what they change and whether someone must approve them",
    empty: "No plans yet: a pull request that touches a stack makes one.",
    columns: (now) => [
      name,
      column("state", "state"),
      column("changes", "counts"),
      column("approval", "approvalReason"),
      since(now),
    ],
  },
  {
    command: "models",
    path: "/v1/teams/-/models",
    description: "Models and their versions",
    empty: "No models yet: publish a model-registered event (signalbox events publish FILE).",
    columns: (now) => [
      name,
      { heading: "latest", value: (row) => short(text(row, "latestVersion")) },
      column("versions", "versionCount"),
      since(now),
    ],
  },
  {
    command: "endpoints",
    path: "/v1/teams/-/endpoints",
    description: "Endpoints: who serves, with which weight, and whether they are held",
    empty: "No endpoints yet: declare one in .signalbox.yaml on the default branch.",
    columns: (now) => [
      name,
      { heading: "serving", value: (row) => lastIds(row["weights"]) },
      column("epoch", "epoch"),
      { heading: "hold", value: (row) => (row["hold"] ? text(row["hold"] as Row, "reason") : "no") },
      since(now),
    ],
  },
  {
    command: "rollouts",
    path: "/v1/teams/-/endpoints/-/rollouts",
    description: "Rollouts and the evidence of their verdicts",
    empty: "No rollouts yet: a registered version of an endpoint's model starts one.",
    columns: (now) => [
      { heading: "rollout", value: (row) => short(text(row, "name")) },
      { heading: "version", value: (row) => short(text(row, "modelVersion")) },
      column("state", "state"),
      column("weight", "weight"),
      {
        heading: "verdict",
        value: (row) => (row["judgement"] ? text(row["judgement"] as Row, "sentence") : undefined),
      },
      since(now),
    ],
  },
  {
    command: "runs",
    path: "/v1/teams/-/runs",
    description: "Ray runs",
    empty: "No runs yet: POST /v1/runs, or publish a run-requested event.",
    columns: (now) => [name, column("state", "state"), column("output", "outputUri"), since(now)],
  },
];

/** Adds `stacks`, `plans`, `models`, `endpoints`, `rollouts` and `runs`. */
export function addLists(program: Command, context: CommandContext): void {
  for (const list of LISTS) {
    program
      .command(list.command)
      .description(list.description)
      .option("--limit <rows>", "how many rows at the most", "100")
      .action(async ({ limit }: { limit: string }, command: Command) => {
        const api = session(command, context);
        api.table(await listAll<Row>(api, list.path, Number(limit)), list.columns(context.now()), list.empty);
      });
  }
}

/** Adds `facts`. */
export function addFacts(program: Command, context: CommandContext): void {
  program
    .command("facts")
    .description("What happened, newest first")
    .option("--limit <rows>", "how many facts at the most", "20")
    .option("--subject <name>", "only facts of this resource, or below it when it ends in /")
    .option("--type <type>", "only facts of this type, such as rollout.promoted")
    .action(async (options: { limit: string; subject?: string; type?: string }, command: Command) => {
      const api = session(command, context);
      const query = new URLSearchParams();
      if (options.subject !== undefined) query.set("subject", options.subject);
      if (options.type !== undefined) query.set("type", options.type);
      const facts = await listAll<Row>(api, `/v1/facts?${query}`, Number(options.limit));
      const columns: readonly Column<Row>[] = [
        { heading: "time", value: (row) => text(row, "time")?.replace("T", " ").slice(0, 19) },
        column("type", "type"),
        column("subject", "subject"),
        column("actor", "actor"),
      ];
      api.table(facts, columns, "No facts yet.");
    });
}
