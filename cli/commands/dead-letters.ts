// What a person does about messages that no retry could help: have them given to their service again, or give them up.
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit.ts";
import { type CommandContext, listAll, type Resource, type Session, session, textOf } from "../output.ts";

/** `registry-0f3a` → `deadLetters/registry-0f3a`. */
const letterName = (given: string): string =>
  given.startsWith("deadLetters/") ? given : `deadLetters/${given}`;

async function replayAll(api: Session, reason: string): Promise<readonly Resource[]> {
  // All are listed before the first is replayed: a list that shrinks under its reader skips entries.
  const letters = await listAll<Resource>(api, "/v1/deadLetters");
  const replayed: Resource[] = [];
  for (const letter of letters.toReversed()) {
    const name = textOf(letter, "name") ?? "";
    try {
      replayed.push(await api.post<Resource>(`/v1/${name}:replay`, { reason }));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      // One that cannot be read, or that is gone by now, must not keep back the others.
      if (error.exit !== EXIT.refused && error.exit !== EXIT.notFound) throw error;
      replayed.push({ name, state: "NOT_REPLAYED", message: error.message });
    }
  }
  return replayed;
}

function replayWords(letters: readonly Resource[]): string {
  if (letters.length === 0) return "No dead letters: every message was handled.";
  const refused = letters.filter((letter) => letter["state"] === "NOT_REPLAYED");
  const count = letters.length - refused.length;
  return [
    ...refused.map((letter) => `Not replayed: ${textOf(letter, "name")}: ${textOf(letter, "message")}`),
    `${count} of ${letters.length} given to ${count === 1 ? "its service" : "their services"} again. What is handled leaves the list; what fails comes back with its count: signalbox dead-letters`,
  ].join("\n");
}

function addReplay(letters: Command, context: CommandContext): void {
  letters
    .command("replay [letter]")
    .description("Give a message to the one service that gave up, once more")
    .option("--all", "all of them, oldest first")
    .requiredOption("--reason <words>", "what was mended; kept in the history")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox dead-letters replay registry-0f3a --reason 'the artifact is back'\n  $ signalbox dead-letters replay --all --reason 'deployed the fix'",
    )
    .action(
      async (
        letter: string | undefined,
        { all, reason }: { all?: boolean; reason: string },
        command: Command,
      ) => {
        if ((letter === undefined) === (all !== true))
          throw new CommandError(EXIT.usage, "Name one letter, or say --all.");
        const api = session(command, context);
        if (letter === undefined) {
          const replayed = await replayAll(api, reason);
          return api.print(replayed, replayWords(replayed));
        }
        const answer = await api.post<Resource>(`/v1/${letterName(letter)}:replay`, { reason });
        api.print(answer, replayWords([answer]));
      },
    );
}

function addPurge(letters: Command, context: CommandContext): void {
  letters
    .command("purge <letter>")
    .description("Give a message up: it will never be handled")
    .requiredOption("--reason <words>", "why nobody needs it; kept in the history")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox dead-letters purge registry-0f3a --reason 'registered again as version 5'",
    )
    .action(async (letter: string, { reason }: { reason: string }, command: Command) => {
      const api = session(command, context);
      const answer = await api.post<Resource>(`/v1/${letterName(letter)}:purge`, { reason });
      api.print(answer, `Given up: ${textOf(answer, "name")}. Who did it and why stays among the facts.`);
    });
}

/** Adds `dead-letters replay` and `dead-letters purge` below the list of that name. */
export function addDeadLetters(program: Command, context: CommandContext): void {
  const letters = program.commands.find((command) => command.name() === "dead-letters");
  if (letters === undefined) throw new Error("The list dead-letters is added before its commands.");
  addReplay(letters, context);
  addPurge(letters, context);
}
