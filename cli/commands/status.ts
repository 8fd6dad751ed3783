// `signalbox status`: is it well, what serves, and what waits for whom; each with the command that deals with it.
import type { Command } from "commander";
import { PUBLIC_PATH } from "../call.ts";
import { CommandError, EXIT } from "../exit.ts";
import { lastId, sharesText, shortName } from "../names.ts";
import {
  type CommandContext,
  listAll,
  partOf,
  type Resource,
  type Session,
  session,
  textOf,
} from "../output.ts";
import { age } from "../table.ts";
import { once, watchable } from "../watch.ts";

/** A part that was read, or why it could not be. */
type Part<Value> = { readonly value: Value } | { readonly problem: string };

async function part<Value>(read: Promise<Value>): Promise<Part<Value>> {
  try {
    return { value: await read };
  } catch (error) {
    // Who may not ask, or finds nobody there, learns that at once; a part that is down leaves the others to be seen.
    if (!(error instanceof CommandError) || error.exit !== EXIT.unavailable) throw error;
    return { problem: error.message };
  }
}

const name = (row: Resource): string => shortName(textOf(row, "name") ?? "");

function endpointLines(row: Resource, now: number): readonly string[] {
  const serving = sharesText(row["weights"] as Record<string, number>) || "nothing serves";
  const running = textOf(row, "running");
  const lines = [
    `  ${name(row)}  ${serving}${running === undefined ? "" : `, rollout ${lastId(running)} is under way`}`,
  ];
  const hold = partOf(row, "hold");
  if (hold !== undefined) {
    const since = age(textOf(hold, "time"), now);
    lines.push(
      `    held for ${since} by ${textOf(hold, "actor") ?? "somebody"}: ${textOf(hold, "reason") ?? ""}`,
      `    signalbox resume ${name(row)} --reason 'looked at it'`,
    );
  }
  const problem = textOf(row, "problem");
  if (problem !== undefined) lines.push(`    ${problem}`);
  return lines;
}

function stackLines(row: Resource): readonly string[] {
  const lines = [`  ${name(row)}  ${textOf(row, "state") ?? ""}`];
  if (row["state"] === "BLOCKED") {
    lines.push(
      `    ${textOf(partOf(row, "blocked"), "reason") ?? ""}`,
      `    signalbox unblock ${name(row)} --reason 'what you found'`,
    );
  }
  if (row["state"] === "APPLY_FAILED") lines.push(`    signalbox logs ${textOf(row, "lastApply") ?? ""}`);
  return lines;
}

const planLines = (row: Resource): readonly string[] => [`  signalbox approve ${textOf(row, "name") ?? ""}`];

function section<Row>(
  title: string,
  read: Part<readonly Row[]>,
  lines: (row: Row) => readonly string[],
): readonly string[] {
  if ("problem" in read) return [`${title}: cannot be read (${read.problem})`];
  return [`${title}: ${read.value.length}`, ...read.value.flatMap(lines)];
}

async function readStatus(api: Session) {
  const list = (path: string) => part(listAll<Resource>(api, path));
  const [stacks, endpoints, plans, deadLetters] = await Promise.all([
    list("/v1/stacks"),
    list("/v1/teams/-/endpoints"),
    list("/v1/stacks/-/plans"),
    part(api.get<{ totalSize: number }>("/v1/deadLetters?pageSize=1")),
  ]);
  const isWaiting = ({ state }: Resource): boolean => state === "WAITING_FOR_APPROVAL";
  const waiting = "value" in plans ? { value: plans.value.filter(isWaiting) } : plans;
  return { stacks, endpoints, waiting, deadLetters };
}

async function showStatus(command: Command, context: CommandContext): Promise<void> {
  const api = session(command, context);
  await api.get<Resource>(PUBLIC_PATH);
  const health = { status: "ok" };
  const { stacks, endpoints, waiting, deadLetters } = await readStatus(api);
  const dead = "value" in deadLetters ? deadLetters.value.totalSize : undefined;
  const lines = [
    `The control plane at ${api.connection.url} answers.`,
    ...section("Endpoints", endpoints, (row) => endpointLines(row, context.now())),
    ...section("Stacks", stacks, stackLines),
    ...section("Plans that wait for approval", waiting, planLines),
    dead === undefined
      ? "Dead letters: cannot be read"
      : `Dead letters: ${dead}${dead > 0 ? " (signalbox dead-letters)" : ""}`,
  ];
  const document = { url: api.connection.url, health, endpoints, stacks, waiting, deadLetters };
  const parts = Object.entries(document).map(([key, value]) => [
    key,
    typeof value === "object" && "value" in value ? value.value : value,
  ]);
  api.print(Object.fromEntries(parts), lines.join("\n"));
  if ([stacks, endpoints, waiting, deadLetters].some((each) => "problem" in each)) {
    throw new CommandError(
      EXIT.unavailable,
      "Not everything could be read. A rollback works all the same: signalbox rollback ENDPOINT --reason '…'",
    );
  }
}

/** Adds `status`. */
export function addStatus(program: Command, context: CommandContext): void {
  watchable(program.command("status"))
    .description("Is it well, what serves, what waits for whom")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox status\n  $ signalbox status --json\n  $ signalbox status --watch",
    )
    .action(async (_: unknown, command: Command) =>
      once(command, context, (looking) => showStatus(command, looking)),
    );
}
