// Operations: rollbacks that wait until a version is warm. Following one tells how it goes until it is done.
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { lastId, teamResource } from "../names.ts";
import { type CommandContext, type GlobalOptions, type Resource, type Session, session } from "../output.ts";
import { age } from "../table.ts";
import { printableLines } from "../text.ts";

/** An operation as the API answers it. */
export interface Operation {
  readonly name: string;
  readonly done: boolean;
  readonly metadata: {
    readonly from: string;
    readonly to: string;
    readonly state: string;
    readonly reason: string;
    readonly createTime: string;
    readonly etaTime: string;
  };
  readonly response?: { readonly epoch: number };
  readonly error?: { readonly message: string };
}

/** Seconds of one call that waits; the next one follows. */
const WAIT_SECONDS = 5;
/** Calls that one command waits with: longer than any operation takes. */
const WAITS_MAX = 1_000;

/** When it is expected to be ready, in words. */
function expectedIn({ metadata }: Operation, now: number): string {
  const seconds = Math.ceil((Date.parse(metadata.etaTime) - now) / 1_000);
  return seconds > 0 ? `expected in about ${seconds} s` : `expected ${-seconds} s ago, and it goes on`;
}

/** The words of an operation that is done. Throws when it failed. */
function endWords({ metadata, response, error }: Operation): string {
  if (error !== undefined)
    throw new CommandError(EXIT.refused, `The rollback was not done: ${error.message}`);
  return `Traffic moved from ${lastId(metadata.from)} to ${lastId(metadata.to)} (epoch ${response?.epoch ?? "?"}).`;
}

/** Waits until an operation is done and tells how it goes. Throws when it failed. */
export async function followOperation(
  api: Session,
  first: Operation,
  { json, context }: { readonly json: boolean; readonly context: CommandContext },
): Promise<Operation> {
  const tell = (text: string): void => {
    if (!json) context.write(`${printableLines(text)}\n`);
  };
  let operation = first;
  if (!operation.done) {
    const { to } = operation.metadata;
    tell(
      `${to} is scaled down. It is being warmed (${expectedIn(operation, context.now())}); traffic moves when it is ready.`,
    );
    tell(`Ctrl-C leaves it going on: signalbox wait ${operation.name}`);
  }
  for (let waits = 0; !operation.done && waits < WAITS_MAX; waits += 1) {
    operation = await api.post<Operation>(`/v1/${operation.name}:wait`, { timeoutSeconds: WAIT_SECONDS });
    if (!operation.done) tell(`  still warming, ${expectedIn(operation, context.now())}`);
  }
  if (json) api.print(operation, "");
  // Throws when it failed, after a program has got its JSON.
  tell(endWords(operation));
  return operation;
}

function addWait(program: Command, context: CommandContext): void {
  program
    .command("wait <operation>")
    .description("Wait until an operation is done, such as a rollback to a version that is being warmed")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox wait teams/default/endpoints/ranker/operations/rollback-1a2b3c",
    )
    .action(async (name: string, _: unknown, command: Command) => {
      const api = session(command, context);
      const json = command.optsWithGlobals<GlobalOptions>().json === true;
      await followOperation(api, await api.get<Operation>(`/v1/${name}`), { json, context });
    });
}

function addOperationList(program: Command, context: CommandContext): void {
  program
    .command("operations <endpoint>")
    .description("The last rollbacks of an endpoint that had to warm a version first")
    .option("--team <team>", "team of a short endpoint name", "default")
    .addHelpText("after", "\nExample:\n  $ signalbox operations ranker")
    .action(async (endpoint: string, { team }: { team: string }, command: Command) => {
      const api = session(command, context);
      const name = teamResource("endpoints", endpoint, team);
      const { operations } = await api.get<{ operations: readonly (Operation & Resource)[] }>(
        `/v1/${name}/operations`,
      );
      const now = context.now();
      api.table(operations, {
        empty: `${name} has none: its rollbacks moved at once.`,
        columns: [
          { heading: "operation", value: (row) => lastId(row.name) },
          { heading: "to", value: ({ metadata }) => lastId(metadata.to) },
          { heading: "state", value: ({ metadata }) => metadata.state },
          { heading: "asked", value: ({ metadata }) => age(metadata.createTime, now) },
          {
            heading: "message",
            value: (row) => row.error?.message ?? (row.done ? "" : expectedIn(row, now)),
            widthMax: 160,
          },
        ],
      });
    });
}

/** Adds `operations` and `wait`. */
export function addOperations(program: Command, context: CommandContext): void {
  addOperationList(program, context);
  addWait(program, context);
}
