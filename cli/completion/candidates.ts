// What may come next on a command line, found in the same tree of commands that runs it, and in the instance that runs here.
import type { Argument, Command, Option } from "commander";

/** One thing that may be written, and a few words about it. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** The kinds of names that an instance can be asked for. */
export type NameKind =
  | "dead-letter"
  | "endpoint"
  | "log"
  | "model"
  | "person"
  | "plan"
  | "rollout"
  | "run"
  | "stack"
  | "version";

/** Finds names of a kind. */
export type FindNames = (kind: NameKind) => Promise<readonly Candidate[]>;

/** What is written where an argument or an option's value has this name, unless the command says otherwise. */
const KINDS: Readonly<Record<string, NameKind>> = {
  endpoint: "endpoint",
  letter: "dead-letter",
  model: "model",
  person: "person",
  plan: "plan",
  rollout: "rollout",
  run: "run",
  stack: "stack",
  version: "version",
};
const KINDS_OF_COMMANDS: Readonly<Record<string, NameKind>> = {
  "lineage name": "endpoint",
  "logs name": "log",
};

interface Place {
  readonly command: Command;
  /** Arguments of the command that are written already. */
  readonly written: number;
  /** The option whose value comes next. */
  readonly open: Option | undefined;
}

const chain = (command: Command | null): readonly Command[] =>
  command === null ? [] : [command, ...chain(command.parent)];

const optionOf = (command: Command, word: string): Option | undefined =>
  chain(command)
    .flatMap(({ options }) => options)
    .find(({ long, short }) => word === long || word === short);

/** Where on the command line these words lead. */
function placeAfter(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, written: 0, open: undefined };
  for (const word of words) {
    const { command, written, open } = place;
    const below = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (open !== undefined) place = { ...place, open: undefined };
    else if (word.startsWith("-")) {
      const option = optionOf(command, word);
      place = { ...place, open: option?.required === true ? option : undefined };
    } else if (below !== undefined && written === 0) place = { command: below, written: 0, open: undefined };
    else place = { ...place, written: written + 1 };
  }
  return place;
}

const firstSentence = (text: string): string => text.split(/[;:.(]/, 1)[0]?.trim() ?? "";

function optionsOf(command: Command): readonly Candidate[] {
  const help = command.createHelp();
  const all = [
    ...help.visibleOptions(command),
    ...chain(command.parent).flatMap((each) => help.visibleOptions(each)),
  ];
  return all.flatMap(({ long, description }) =>
    typeof long === "string" ? [{ value: long, about: firstSentence(description) }] : [],
  );
}

function commandsOf(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ value: each.name(), about: firstSentence(each.description()) }));
}

/** The name inside `<endpoint>` or `--from <version>`. */
const nameIn = (flags: string): string => /[<[]([a-z-]+)/.exec(flags)?.[1] ?? "";

function kindAt({ command, written, open }: Place): NameKind | undefined {
  if (open !== undefined) return KINDS[nameIn(open.flags)];
  const argument: Argument | undefined = command.registeredArguments[written];
  if (argument === undefined) return undefined;
  return KINDS_OF_COMMANDS[`${command.name()} ${argument.name()}`] ?? KINDS[argument.name()];
}

/** What may be written in place of the last word. Nothing at all: a file, perhaps, which the shell knows better. */
export async function candidates(
  program: Command,
  words: readonly string[],
  findNames: FindNames,
): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? "";
  const place = placeAfter(program, words.slice(0, -1));
  const { command, open, written } = place;
  const fitting = (all: readonly Candidate[]): readonly Candidate[] => {
    const seen = new Set<string>();
    return all.filter(
      ({ value }) => value.startsWith(current) && !seen.has(value) && seen.add(value) !== undefined,
    );
  };
  if (open === undefined && current.startsWith("-")) return fitting(optionsOf(command));
  const choices = open?.argChoices ?? command.registeredArguments[written]?.argChoices;
  if (choices !== undefined) return fitting(choices.map((value) => ({ value, about: "" })));
  if (open === undefined && written === 0 && command.commands.length > 0) return fitting(commandsOf(command));
  const kind = kindAt(place);
  return kind === undefined ? [] : fitting(await findNames(kind));
}
