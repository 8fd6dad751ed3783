// The command line as a whole. Kept apart from the process so that tests can call it.
import { Command, CommanderError } from "commander";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addBackups } from "./commands/backup.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDecisions } from "./commands/decisions.ts";
import { addGithubApp } from "./commands/github-app.ts";
import { addLists } from "./commands/lists.ts";
import { addLooking } from "./commands/looking.ts";
import { addNotifications } from "./commands/notifications.ts";
import { addOperations } from "./commands/operations.ts";
import { addRolloutMoves } from "./commands/rollouts.ts";
import { addRunning } from "./commands/running.ts";
import { addStatus } from "./commands/status.ts";
import { addTraffic } from "./commands/traffic.ts";
import { addDoctor } from "./doctor/command.ts";
import { CommandError, EXIT } from "./exit.ts";
import type { CommandContext } from "./output.ts";
import { addJudge } from "./judge/command.ts";
import { printableLines } from "./text.ts";
import { addWorkflows } from "./workflows/command.ts";

const EXAMPLES = `
Examples:
  $ signalbox start                                  start a control plane here
  $ signalbox status                                 what serves, what waits for whom
  $ signalbox endpoints --json                       the same for programs
  $ signalbox rollback ranker --reason 'bad answers' back to the last good version
  $ signalbox lineage ranker                         what trained what serves now
  $ signalbox --as grace approve stacks/playground/plans/1a2b3c4d5e6f

Exit codes: 0 done, 1 refused, 2 usage, 3 not found, 4 not allowed, 5 not reachable.
Environment: SIGNALBOX_URL and SIGNALBOX_TOKEN reach a control plane elsewhere.`;

function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** The words that call a command: `signalbox workflows run`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** The whole command line. */
export function createProgram(context: CommandContext, writeError: (text: string) => void): Command {
  const program = new Command("signalbox")
    .description(
      "Control plane for machine-learning platforms: infrastructure, rollouts, rollbacks, lineage.",
    )
    .option(
      "--state <folder>",
      "state folder of the control plane (default: .signalbox/default, then .signalbox/demo)",
    )
    .option("--as <person>", "use the token file of this person in the state folder")
    .option("--ca <file>", "trust the authorities in this PEM file over TLS (also SIGNALBOX_CA)")
    .option("--json", "print JSON instead of tables")
    .addHelpText("after", EXAMPLES);
  addRunning(program, context);
  addStatus(program, context);
  addLists(program, context);
  addDeadLetters(program, context);
  addLooking(program, context);
  addTraffic(program, context);
  addRolloutMoves(program, context);
  addOperations(program, context);
  addDecisions(program, context);
  addNotifications(program, context);
  addBackups(program, context);
  addGithubApp(program, context);
  addDoctor(program, context);
  addJudge(program, context);
  addWorkflows(program, context, writeError);
  addCompletion(program, context);
  for (const command of everyCommand(program)) {
    command
      .exitOverride()
      .configureOutput({ writeOut: context.write, writeErr: writeError })
      .showHelpAfterError(`(${pathOf(command)} --help shows how)`);
  }
  return program;
}

/** Runs one command line; answers the exit code. */
export async function run(
  argv: readonly string[],
  context: CommandContext,
  writeError: (text: string) => void,
): Promise<number> {
  try {
    await createProgram(context, writeError).parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CommandError)) throw error;
    writeError(`${printableLines(error.message)}\n`);
    return error.exit;
  }
}
