// Looking closer: a model's versions, where something comes from, what happened, and what a build or a run wrote.
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { lastId, teamResource } from "../names.ts";
import {
  type CommandContext,
  type GlobalOptions,
  listAll,
  type Resource,
  rowCount,
  type Session,
  session,
  textOf,
} from "../output.ts";
import { age, type Column } from "../table.ts";
import { once, watchable } from "../watch.ts";
import { followFacts } from "./follow.ts";

const id = (key: string) => (row: Resource) => {
  const name = textOf(row, key);
  return name === undefined ? undefined : lastId(name);
};

function versionColumns(now: number): readonly Column<Resource>[] {
  return [
    { heading: "version", value: id("name") },
    { heading: "state", value: (row) => textOf(row, "state") },
    { heading: "trained by", value: id("trainingRun") },
    {
      heading: "datasets",
      value: (row) =>
        ((row["datasets"] ?? []) as readonly string[])
          .map((name) => name.split("/").slice(3).join("/"))
          .join(", "),
    },
    { heading: "commit", value: (row) => textOf(row, "commit")?.slice(0, 10) },
    { heading: "registered", value: (row) => age(textOf(row, "createTime"), now) },
    { heading: "message", value: (row) => textOf(row, "message") ?? textOf(row, "reason"), widthMax: 160 },
  ];
}

function addVersions(program: Command, context: CommandContext): void {
  watchable(program.command("versions <model>"))
    .description("Versions of a model and whether their bytes are what was registered")
    .option("--team <team>", "team of a short model name", "default")
    .option("--limit <rows>", "how many rows at the most", rowCount, 100)
    .addHelpText("after", "\nExample:\n  $ signalbox versions ranker")
    .action(async (model: string, { team, limit }: { team: string; limit: number }, command: Command) => {
      const name = teamResource("models", model, team);
      const empty = `${name} has no versions: signalbox models lists what is registered.`;
      await once(command, context, async (looking) => {
        const api = session(command, looking);
        const rows = (await listAll<Resource>(api, `/v1/${name}/versions`))
          .toSorted((one, other) => (String(one["createTime"]) < String(other["createTime"]) ? 1 : -1))
          .slice(0, limit);
        api.table(rows, { columns: versionColumns(context.now()), empty });
      });
    });
}

interface Chains {
  readonly name: string;
  readonly percent?: number;
  readonly chains: readonly (readonly { readonly text: string }[])[];
  readonly nodes: readonly { readonly name: string; readonly depth: number }[];
}

/** One step a line, each under what was made from it. */
function chainLines({ name, percent, chains, nodes }: Chains): readonly string[] {
  const title = percent === undefined ? name : `${name} serves with ${percent} %`;
  const steps = chains.flatMap((chain) =>
    chain.map(({ text }, depth) => `${"  ".repeat(depth + 1)}${depth === 0 ? "" : "← "}${text}`),
  );
  if (steps.length > 0) return [title, ...steps];
  const others = nodes.filter(({ depth }) => depth > 0);
  return [title, ...others.map((node) => `${"  ".repeat(node.depth)}→ ${node.name}`)];
}

function addLineage(program: Command, context: CommandContext): void {
  program
    .command("lineage <name>")
    .description("Where a version, dataset or run comes from; of an endpoint: what trained what it serves")
    .option("--team <team>", "team of a short endpoint name", "default")
    .option("--at <time>", "of an endpoint: what it served then (RFC 3339)")
    .option("--downstream", "what was made from it instead")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox lineage ranker\n  $ signalbox lineage ranker --at 2026-01-31T10:42:00Z\n  $ signalbox lineage teams/default/datasets/products/versions/1 --downstream",
    )
    .action(
      async (
        given: string,
        options: { team: string; at?: string; downstream?: boolean },
        command: Command,
      ) => {
        const api = session(command, context);
        const name = teamResource("endpoints", given, options.team);
        const query = new URLSearchParams();
        if (options.at !== undefined) query.set("at", options.at);
        if (options.downstream === true) query.set("direction", "downstream");
        const answer = await api.get<Chains & { versions?: readonly Chains[]; certain?: boolean }>(
          `/v1/${name}:queryLineage?${query.toString()}`,
        );
        const lines = (answer.versions ?? [answer]).flatMap(chainLines);
        if (answer.versions?.length === 0) lines.push(`${name} serves nothing.`);
        if (answer.certain === false)
          lines.push("Moves are missing from the record here: something else may have served in between.");
        api.print(answer, lines.join("\n"));
      },
    );
}

/** The path of the log of what was named: a build, a run, or a plan, an apply or the last apply of a stack by its build. */
async function logPath(api: Session, given: string, team: string): Promise<string> {
  if (/^teams\/[^/]+\/runs\/[^/]+$/.test(given)) return `/v1/${given}:logs`;
  if (given.startsWith("stacks/")) {
    const named = await api.get<Resource>(`/v1/${given}`);
    const apply = textOf(named, "lastApply");
    const build = textOf(apply === undefined ? named : await api.get<Resource>(`/v1/${apply}`), "build");
    if (build !== undefined) return `/v1/builds/${build}/logs`;
    throw new CommandError(EXIT.notFound, `${given} has no build yet, so it has no log.`);
  }
  const build = given.replace(/^builds\//, "");
  try {
    await api.get(`/v1/builds/${build}`);
    return `/v1/builds/${build}/logs`;
  } catch (error) {
    const unknown = error instanceof CommandError && error.exit !== EXIT.unavailable && build === given;
    if (!unknown) throw error;
    return `/v1/${teamResource("runs", given, team)}:logs`;
  }
}

function addLogs(program: Command, context: CommandContext): void {
  program
    .command("logs <name>")
    .description("What a build, a plan, an apply, the last apply of a stack, or a run wrote")
    .option("--team <team>", "team of a short run name", "default")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox logs stacks/playground/plans/1a2b3c4d5e6f\n  $ signalbox logs stacks/playground\n  $ signalbox logs builds/plan-1a2b3c\n  $ signalbox logs clean-catalogue",
    )
    .action(async (given: string, { team }: { team: string }, command: Command) => {
      const api = session(command, context);
      const log = await api.text(await logPath(api, given, team));
      api.print({ log }, log === "" ? `${given} has written nothing yet.` : log.trimEnd());
    });
}

interface FactOptions {
  readonly limit: number;
  readonly subject?: string;
  readonly type?: string;
  readonly follow?: boolean;
}

function addFacts(program: Command, context: CommandContext): void {
  program
    .command("facts")
    .description("What happened, newest first")
    .option("--limit <rows>", "how many facts at the most", rowCount, 20)
    .option("--subject <name>", "only facts of this resource, or below it when it ends in /")
    .option("--type <type>", "only facts of this type, such as rollout.promoted")
    .option("--follow", "then go on with what happens, oldest first, until Ctrl-C")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox facts --subject teams/default/endpoints/ranker/\n  $ signalbox facts --type traffic.moved --json\n  $ signalbox facts --follow",
    )
    .action(async (options: FactOptions, command: Command) => {
      const api = session(command, context);
      const query = new URLSearchParams();
      if (options.subject !== undefined) query.set("subject", options.subject);
      if (options.type !== undefined) query.set("type", options.type);
      if (options.follow === true) {
        const json = command.optsWithGlobals<GlobalOptions>().json === true;
        const connect = () => session(command, context).connection;
        const following = { query, backlog: options.limit, json, write: context.write, connect };
        return followFacts(api.connection, following);
      }
      const facts = await listAll<Resource>(api, `/v1/facts?${query.toString()}`, options.limit);
      const columns: readonly Column<Resource>[] = [
        { heading: "time (UTC)", value: (row) => textOf(row, "time")?.replace("T", " ").slice(0, 19) },
        { heading: "type", value: (row) => textOf(row, "type") },
        { heading: "subject", value: (row) => textOf(row, "subject"), widthMax: 100 },
        { heading: "actor", value: (row) => textOf(row, "actor") },
      ];
      const filtered = options.subject !== undefined || options.type !== undefined;
      const empty = filtered
        ? "No such facts: leave out --subject and --type to see all."
        : "No facts yet: they come with the first delivery or event.";
      api.table(facts, { columns, empty });
    });
}

/** Adds `versions`, `lineage`, `logs` and `facts`. */
export function addLooking(program: Command, context: CommandContext): void {
  addVersions(program, context);
  addLineage(program, context);
  addLogs(program, context);
  addFacts(program, context);
}
