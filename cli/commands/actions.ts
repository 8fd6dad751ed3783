// What a person does: roll back, resume, approve, unblock, publish an event.
import { readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { type CommandContext, type Session, session } from "../output.ts";
import { printable } from "../table.ts";

type Row = Readonly<Record<string, unknown>>;

/** `ranker` → `teams/default/endpoints/ranker`; a full name stays as it is. */
function endpointName(endpoint: string, team: string): string {
  return endpoint.includes("/") ? endpoint : `teams/${team}/endpoints/${endpoint}`;
}

const versionName = (version: string, model: string, team: string): string =>
  version.includes("/") ? version : `teams/${team}/models/${model}/versions/${version}`;

/** The version that holds most of the traffic: what "roll back" is about when nobody names one. */
async function serving(api: Session, endpoint: string): Promise<string | undefined> {
  const { weights } = await api.get<{ weights?: Record<string, number> }>(`/v1/${endpoint}`);
  return Object.entries(weights ?? {}).toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

function addRollback(program: Command, context: CommandContext): void {
  program
    .command("rollback <endpoint>")
    .description("Move an endpoint's traffic back to its last good version, at once")
    .requiredOption("--reason <words>", "why; kept in the history")
    .option("--team <team>", "team of a short endpoint name", "default")
    .option("--from <version>", "the version to leave; default: the one that serves most")
    .option("--to <version>", "the version to go to; default: the last good one")
    .option("--force", "move at once even if the target is cold")
    .addHelpText("after", "\nExample:\n  $ signalbox rollback ranker --reason 'errors on checkout'")
    .action(
      async (
        endpoint: string,
        options: Record<"reason" | "team", string> & { from?: string; to?: string; force?: boolean },
        command: Command,
      ) => {
        const api = session(command, context);
        const name = endpointName(endpoint, options.team);
        const model = endpoint.slice(endpoint.lastIndexOf("/") + 1);
        const from =
          options.from === undefined
            ? await serving(api, name)
            : versionName(options.from, model, options.team);
        const moved = await api.post<{
          milliseconds: number;
          epoch: number;
          to: unknown;
          alreadyMoved?: boolean;
        }>(`/v1/${name}:rollback`, {
          reason: options.reason,
          requestId: randomUUID(),
          ...(from === undefined ? {} : { from }),
          ...(options.to === undefined ? {} : { to: versionName(options.to, model, options.team) }),
          ...(options.force === true ? { force: true } : {}),
        });
        const verb = moved.alreadyMoved === true ? "had moved already" : `moved in ${moved.milliseconds} ms`;
        api.print(
          moved,
          `${name} ${verb}: ${printable(JSON.stringify(moved.to), 200)} (epoch ${moved.epoch}).\n` +
            `It is held: nothing rolls out until \`signalbox resume ${endpoint} --reason '…'\`.`,
        );
      },
    );
}

function addResume(program: Command, context: CommandContext): void {
  program
    .command("resume <endpoint>")
    .description("Clear an endpoint's hold; the oldest waiting rollout starts")
    .requiredOption("--reason <words>", "why it may go on; kept in the history")
    .option("--team <team>", "team of a short endpoint name", "default")
    .action(
      async (endpoint: string, { reason, team }: Record<"reason" | "team", string>, command: Command) => {
        const api = session(command, context);
        const name = endpointName(endpoint, team);
        api.print(await api.post(`/v1/${name}:resume`, { reason }), `${name} is resumed.`);
      },
    );
}

function addApprove(program: Command, context: CommandContext): void {
  program
    .command("approve <plan>")
    .description("Approve a plan by its digest; the digest says what you have read")
    .option(
      "--digest <digest>",
      "the digest that the check shows; default: the plan's own, printed before it is approved",
    )
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox plans\n  $ signalbox approve stacks/playground/plans/1a2b3c4d5e6f --digest plan-sha256:…",
    )
    .action(async (plan: string, { digest }: { digest?: string }, command: Command) => {
      const api = session(command, context);
      const found = await api.get<Row>(`/v1/${plan}`);
      const approved = digest ?? String(found["digest"] ?? "");
      if (approved === "") {
        throw new CommandError(
          EXIT.refused,
          `${plan} is ${String(found["state"])} and has no digest yet: wait until it is finished.`,
        );
      }
      const outcome = await api.post<{ approvals: number; approvalsRequired: number }>(
        `/v1/${plan}:approve`,
        { digest: approved },
      );
      api.print(
        outcome,
        `Approved ${approved}: ${outcome.approvals} of ${outcome.approvalsRequired} approvals.`,
      );
    });
}

function addUnblock(program: Command, context: CommandContext): void {
  program
    .command("unblock <stack>")
    .description("Let a stack go on after you have looked at its interrupted apply")
    .requiredOption("--reason <words>", "what you found; kept in the history")
    .action(async (stack: string, { reason }: { reason: string }, command: Command) => {
      const api = session(command, context);
      const name = stack.includes("/") ? stack : `stacks/${stack}`;
      api.print(
        await api.post(`/v1/${name}:unblock`, { reason }),
        `${name} is unblocked: the next merge plans anew.`,
      );
    });
}

function addEvents(program: Command, context: CommandContext): void {
  program
    .command("events")
    .description("Outside events")
    .command("publish <file>")
    .description("Publish a CloudEvents 1.0 JSON file (- for standard input)")
    .addHelpText("after", "\nExample:\n  $ signalbox events publish model-registered.json")
    .action(async (file: string, _: unknown, command: Command) => {
      const api = session(command, context);
      const text =
        file === "-"
          ? await readAll(process.stdin)
          : await readFile(file, "utf8").catch((cause: unknown) => {
              throw new CommandError(EXIT.usage, `${file} cannot be read.`, cause);
            });
      let event: unknown;
      try {
        event = JSON.parse(text);
      } catch (cause) {
        throw new CommandError(EXIT.usage, `${file} is not JSON: ${(cause as Error).message}`, cause);
      }
      const answer = await api.post<Row>("/v1/events", event);
      api.print(answer, `Accepted: ${printable(JSON.stringify(answer), 300)}`);
    });
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Adds every command that changes something. */
export function addActions(program: Command, context: CommandContext): void {
  addRollback(program, context);
  addResume(program, context);
  addApprove(program, context);
  addUnblock(program, context);
  addEvents(program, context);
}
