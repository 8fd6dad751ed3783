// `signalbox completion SHELL`, and the hidden command that its scripts call.
import { Argument, type Command } from "commander";
import { candidates } from "../completion/candidates.ts";
import { namesOf } from "../completion/names.ts";
import { COMPLETION_SCRIPTS } from "../completion/shells.ts";
import type { ConnectionOptions } from "../connection.ts";
import type { CommandContext } from "../output.ts";
import { printable } from "../text.ts";

const SHELLS = Object.keys(COMPLETION_SCRIPTS) as (keyof typeof COMPLETION_SCRIPTS)[];
/** Characters of a candidate, and of the words about it. */
const CANDIDATE_WIDTH_MAX = 300;

/** `--state` and `--as` of the line that is being written. */
function connectionOptions(words: readonly string[]): ConnectionOptions {
  const valueOf = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    return at === -1 ? undefined : words[at + 1];
  };
  const [state, as] = [valueOf("--state"), valueOf("--as")];
  return { ...(state === undefined ? {} : { state }), ...(as === undefined ? {} : { as }) };
}

/** Adds `completion`. */
export function addCompletion(program: Command, context: CommandContext): void {
  program
    .command("completion")
    .description("Completion for your shell: commands, options, and names of what runs here")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText(
      "after",
      '\nExamples:\n  $ eval "$(signalbox completion bash)"\n  $ source <(signalbox completion zsh)\n  $ signalbox completion fish > ~/.config/fish/completions/signalbox.fish',
    )
    .action((shell: keyof typeof COMPLETION_SCRIPTS) => context.write(COMPLETION_SCRIPTS[shell]));
  program
    .command("complete [words...]", { hidden: true })
    .description("What may come in place of the last of these words, one a line")
    .addHelpText("after", "\nExample:\n  $ signalbox complete -- rollback ran")
    .action(async (words: readonly string[]) => {
      // What stands at the end is still being written and names nobody yet.
      const findNames = namesOf(connectionOptions(words.slice(0, -1)), context.env);
      for (const { value, about } of await candidates(program, words, findNames))
        context.write(`${printable(value, CANDIDATE_WIDTH_MAX)}\t${printable(about, CANDIDATE_WIDTH_MAX)}\n`);
    });
}
