// `signalbox notifications …`: what people were told, sending one again, and a test of the channel.
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { lastId } from "../names.ts";
import { type CommandContext, listAll, type Resource, rowCount, session, textOf } from "../output.ts";
import { age, type Column } from "../table.ts";

interface Attempt {
  readonly time: string;
  readonly durationMs: number;
  readonly status?: number;
  readonly error?: string;
}

const attemptsOf = (row: Resource): readonly Attempt[] => (row["attempts"] ?? []) as readonly Attempt[];

function columns(now: number): readonly Column<Resource>[] {
  return [
    { heading: "id", value: (row) => lastId(textOf(row, "name") ?? "") },
    { heading: "type", value: (row) => textOf(row, "type") },
    { heading: "state", value: (row) => textOf(row, "state") },
    { heading: "tries", value: (row) => attemptsOf(row).length },
    { heading: "since", value: (row) => age(textOf(row, "createTime"), now) },
    { heading: "subject", value: (row) => textOf(row, "subject") },
    { heading: "last problem", value: (row) => attemptsOf(row).at(-1)?.error, widthMax: 120 },
  ];
}

function addList(group: Command, context: CommandContext): void {
  group
    .command("list")
    .description("The delivery log, newest first")
    .option("--limit <rows>", "how many rows at the most", rowCount, 50)
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox notifications list\n  $ signalbox notifications list --json",
    )
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const api = session(command, context);
      const rows = await listAll<Resource>(api, "/v1/notifications", limit);
      const empty = "No notifications yet: failed applies, rollbacks, holds and dead letters make one.";
      api.table(rows, { columns: columns(context.now()), empty });
    });
}

const attemptText = ({ time, durationMs, status, error }: Attempt): string =>
  `  ${time}  ${status ?? "no answer"}  ${durationMs} ms  ${error ?? "delivered"}`;

function addShow(group: Command, context: CommandContext): void {
  group
    .command("show <id>")
    .description("One notification with its attempts")
    .addHelpText("after", "\nExample:\n  $ signalbox notifications show 1a2b3c")
    .action(async (id: string, _: unknown, command: Command) => {
      const api = session(command, context);
      const entry = await api.get<Resource>(`/v1/notifications/${encodeURIComponent(lastId(id))}`);
      const lines = [
        `${textOf(entry, "type")} · ${textOf(entry, "subject")} · ${textOf(entry, "state")}`,
        textOf(entry, "summary") ?? "",
        `Next: ${textOf(entry, "nextStep") ?? ""}`,
        ...attemptsOf(entry).map(attemptText),
      ];
      const next = textOf(entry, "nextAttemptTime");
      if (next !== undefined) lines.push(`  ${next}  next attempt`);
      api.print(entry, lines.join("\n"));
    });
}

function addRedeliver(group: Command, context: CommandContext): void {
  group
    .command("redeliver <id>")
    .description("Send one again; its receiver knows it by the same webhook-id")
    .addHelpText("after", "\nExample:\n  $ signalbox notifications redeliver 1a2b3c")
    .action(async (id: string, _: unknown, command: Command) => {
      const api = session(command, context);
      const path = `/v1/notifications/${encodeURIComponent(lastId(id))}:redeliver`;
      const entry = await api.post<Resource>(path, {});
      api.print(
        entry,
        `${textOf(entry, "name")} is sent again now: signalbox notifications show ${lastId(id)}`,
      );
    });
}

function addTest(group: Command, context: CommandContext): void {
  group
    .command("test")
    .description(
      "Send a test to the channel of notifications.json and say what came of it; exit 1 if it failed",
    )
    .addHelpText("after", "\nExample:\n  $ signalbox notifications test")
    .action(async (_: unknown, command: Command) => {
      const api = session(command, context);
      const entry = await api.post<Resource>("/v1/notifications:test", {});
      const state = textOf(entry, "state") ?? "";
      const last = attemptsOf(entry).at(-1);
      if (state !== "DELIVERED")
        throw new CommandError(
          EXIT.refused,
          `The test was not delivered: ${last?.error ?? "no reason is known"}`,
        );
      api.print(entry, `Delivered: the receiver answered ${last?.status} within ${last?.durationMs} ms.`);
    });
}

/** Adds `notifications` with its commands. */
export function addNotifications(program: Command, context: CommandContext): void {
  const group = program
    .command("notifications")
    .description("What people were told of failed applies, rollbacks, holds and dead letters")
    .addHelpText("after", "\nExamples:\n  $ signalbox notifications list\n  $ signalbox notifications test");
  addList(group, context);
  addShow(group, context);
  addRedeliver(group, context);
  addTest(group, context);
}
