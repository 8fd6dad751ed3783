// Commands and flags that an installed gcloud knows, from the table that it completes words with: nothing is started for it.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A command of gcloud, or a group of them. */
export interface GcloudCommand {
  readonly commands: Readonly<Record<string, GcloudCommand>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

const TABLE = join("data", "cli", "gcloud_completions.py");

function tablePath(): string | undefined {
  const places = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "gcloud"))
    .filter((path) => existsSync(path))
    .flatMap((path) => [join(realpathSync(path), "..", ".."), "/usr/lib/google-cloud-sdk"]);
  return places.map((place) => join(place, TABLE)).find((path) => existsSync(path));
}

/** The root of all commands; undefined where no gcloud is installed. */
export function gcloudCommands(): GcloudCommand | undefined {
  const path = tablePath();
  if (path === undefined) return undefined;
  const text = readFileSync(path, "utf8");
  // A file of Python with one literal, which is JSON.
  return JSON.parse(text.slice(text.indexOf("= {") + 2)) as GcloudCommand;
}

/** One call: the words after `gcloud`, and where it stands. */
export interface GcloudCall {
  readonly where: string;
  readonly words: readonly string[];
}

/** Words as a shell takes them, up to what ends a command: a pipe, a semicolon, a bracket, a comment. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  let [word, quote, depth] = ["", "", 0];
  const push = () => {
    if (word !== "") words.push(word);
    word = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (quote !== "") {
      word += letter;
      if (letter === quote && text[at - 1] !== "\\") quote = "";
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word += letter;
    } else if (letter === "(") {
      depth += 1;
      word += letter;
    } else if (letter === ")") {
      if (depth === 0) break;
      depth -= 1;
      word += letter;
    } else if (depth > 0) word += letter;
    else if ("|;&>\n`\\".includes(letter) || (letter === "#" && word === "")) break;
    else if (letter === " ") push();
    else word += letter;
  }
  push();
  return words;
}

/** Every call of gcloud in a text: at the start of a line or of code, in `$(…)`, or behind what ends another command. */
export function gcloudCalls(where: string, text: string): readonly GcloudCall[] {
  const joined = text.replaceAll(/\\\n\s*(?:#\s*)?/g, "");
  return [
    ...joined.matchAll(
      /(?:^[ \t]*(?:#[ \t]+)?|`|\$\(|[;|{&] ?|\bdo |xargs \S+ |timeout \S+ )gcloud (?=[a-z])/gm,
    ),
  ].map(({ index, 0: start }) => ({ where, words: wordsOf(joined.slice(index + start.length)) }));
}

/** What this gcloud does not know of a call; nothing where it knows all. */
export function unknownTo(root: GcloudCommand, { where, words }: GcloudCall): readonly string[] {
  let command = root;
  const path: string[] = [];
  for (const word of words) {
    const next = command.commands[word];
    if (next === undefined) break;
    command = next;
    path.push(word);
  }
  const rest = words.slice(path.length);
  const name = ["gcloud", ...path].join(" ");
  // A group alone is spoken of, not called.
  if (Object.keys(command.commands).length > 0 && rest.length > 0 && !rest[0]?.startsWith("-"))
    return [`${where}: ${name} ${rest[0]}`];
  const flags = rest
    .filter((word) => word.startsWith("--") && word !== "--")
    .map((word) => word.replace(/=.*/s, ""));
  return flags
    .filter(
      (flag) =>
        ![command, root].some((each) => flag in each.flags || flag.replace(/^--no-/, "--") in each.flags),
    )
    .map((flag) => `${where}: ${name} ${flag}`);
}
