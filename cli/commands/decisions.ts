// What a person decides about infrastructure and models: approve a plan, unblock a stack, publish an event.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { shortName, stackName } from "../names.ts";
import { type CommandContext, type Resource, session, textOf, validatable } from "../output.ts";

interface Approval {
  readonly digest: string;
  readonly approvals: number;
  readonly approvalsRequired: number;
  readonly approved: boolean;
}

function addApprove(program: Command, context: CommandContext): void {
  validatable(program.command("approve <plan>"))
    .description("Approve a plan by its digest; the digest says what you have read")
    .option("--digest <digest>", "the digest that the check shows; default: the one that the plan has now")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox plans\n  $ signalbox approve stacks/playground/plans/1a2b3c4d5e6f --digest plan-sha256:…",
    )
    .action(async (plan: string, { digest }: { digest?: string }, command: Command) => {
      const api = session(command, context);
      const found = await api.get<Resource>(`/v1/${plan}`);
      const shown = digest ?? textOf(found, "digest");
      if (shown === undefined) {
        throw new CommandError(
          EXIT.refused,
          `${plan} is ${textOf(found, "state") ?? "unknown"} and has no digest: there is nothing to approve yet.`,
        );
      }
      const outcome = await api.post<Approval>(`/v1/${plan}:approve`, { digest: shown });
      const missing = outcome.approvalsRequired - outcome.approvals;
      const next = outcome.approved
        ? "It is applied when the pull request is merged."
        : `${missing} more approval${missing === 1 ? " is" : "s are"} needed.`;
      api.print(
        outcome,
        `Approved ${plan}\n  ${outcome.digest}\n${outcome.approvals} of ${outcome.approvalsRequired} approvals. ${next}`,
      );
    });
}

function addUnblock(program: Command, context: CommandContext): void {
  validatable(program.command("unblock <stack>"))
    .description("Let a stack go on after you have looked at its interrupted apply")
    .requiredOption("--reason <words>", "what you found; kept in the history")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox unblock playground --reason 'the node pool is there, state imported'",
    )
    .action(async (stack: string, { reason }: { reason: string }, command: Command) => {
      const api = session(command, context);
      const name = stackName(stack);
      const answer = await api.post<Resource>(`/v1/${name}:unblock`, { reason });
      api.print(answer, `${shortName(name)} is unblocked: the next merge plans anew.`);
    });
}

/** Characters of an event that are read from standard input or a file. */
const EVENT_CHARACTERS_MAX = 1_000_000;

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > EVENT_CHARACTERS_MAX) break;
  }
  return text;
}

async function readEvent(file: string, stdin: NodeJS.ReadableStream): Promise<unknown> {
  const text =
    file === "-"
      ? await readAll(stdin)
      : await readFile(file, "utf8").catch((cause: unknown) => {
          throw new CommandError(EXIT.usage, `${file} cannot be read: ${(cause as Error).message}`, cause);
        });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const where = file === "-" ? "Standard input" : file;
    throw new CommandError(EXIT.usage, `${where} is not JSON: ${(cause as Error).message}`, cause);
  }
}

function addEvents(program: Command, context: CommandContext): void {
  const events = program
    .command("events")
    .description("Outside events: publish one")
    .addHelpText("after", "\nExample:\n  $ signalbox events publish model-registered.json");
  validatable(events.command("publish <file>"))
    .description("Publish a CloudEvents 1.0 JSON document (- for standard input)")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox events publish model-registered.json\n  $ train.py --print-event | signalbox events publish -",
    )
    .action(async (file: string, _: unknown, command: Command) => {
      const api = session(command, context);
      const event = await readEvent(file, context.stdin);
      const answer = await api.post<{ name: string; ignored?: string }>(
        "/v1/events",
        event,
        "application/cloudevents+json",
      );
      api.print(
        answer,
        answer.ignored === undefined
          ? `Accepted: ${answer.name}`
          : `Nothing changed: ${answer.ignored} (${answer.name})`,
      );
    });
}

/** Adds `approve`, `unblock` and `events publish`. */
export function addDecisions(program: Command, context: CommandContext): void {
  addApprove(program, context);
  addUnblock(program, context);
  addEvents(program, context);
}
