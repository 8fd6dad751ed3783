// The command line as a whole. Kept apart from the process so that tests can call it.
import { Command, CommanderError } from "commander";
import { addActions } from "./commands/actions.ts";
import { addFacts, addLists } from "./commands/lists.ts";
import { addRunning } from "./commands/running.ts";
import { CommandError, EXIT } from "./exit.ts";
import type { CommandContext } from "./output.ts";

const EXAMPLES = `
Examples:
  $ signalbox start                                  start a control plane here
  $ signalbox status                                 what serves, what waits for whom
  $ signalbox endpoints --json                       the same for programs
  $ signalbox rollback ranker --reason 'bad answers' back to the last good version
  $ signalbox --as grace approve stacks/playground/plans/…

Exit codes: 0 done, 1 refused, 2 usage, 3 not found, 4 not allowed, 5 not reachable.`;

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
    .option("--json", "print JSON instead of tables")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(signalbox --help shows all commands)")
    .configureOutput({ writeOut: context.write, writeErr: writeError })
    .exitOverride();
  addRunning(program, context);
  addLists(program, context);
  addFacts(program, context);
  addActions(program, context);
  for (const command of program.commands) {
    command.exitOverride();
    for (const inner of command.commands) inner.exitOverride();
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
    writeError(`${error.message}\n`);
    return error.exit;
  }
}
