// The part of the Dockerfile language that our Dockerfile is written in. Anything else is an error, so that nothing is passed over.

/** One instruction: `COPY`, its flags such as `from`, and its words. */
export interface Instruction {
  readonly keyword: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly words: readonly string[];
  /** All behind the keyword, for `RUN`. */
  readonly text: string;
}

/** `FROM from AS name` and what follows. */
export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

const KEYWORDS = new Set(["COPY", "RUN", "ENV", "USER", "WORKDIR", "EXPOSE", "ENTRYPOINT"]);

function instructionOf(keyword: string, rest: string): Instruction {
  if (!KEYWORDS.has(keyword))
    throw new Error(`${keyword} is not understood: teach test/support/dockerfile.ts.`);
  const flags: Record<string, string> = {};
  const text = rest.replaceAll(/(?:^|\s)--([a-z]+)=(\S+)(?=\s)/g, (found, name: string, value: string) => {
    if (keyword !== "COPY") return found;
    flags[name] = value;
    return "";
  });
  const trimmed = text.trim();
  const words = trimmed.startsWith("[") ? (JSON.parse(trimmed) as string[]) : trimmed.split(/\s+/);
  return { keyword, flags, words, text: trimmed };
}

/** The stages of a Dockerfile, in their order; `ARG` is allowed before the first. */
export function parseDockerfile(source: string): readonly Stage[] {
  const lines = source
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const settings = new Map<string, string>();
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const line of lines) {
    const [keyword = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line)?.slice(1) ?? [];
    const filled = rest.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = settings.get(name);
      if (value === undefined) throw new Error(`\${${name}} has no value.`);
      return value;
    });
    const stage = stages.at(-1);
    if (keyword === "ARG" && stage === undefined) {
      const [name = "", value = ""] = rest.split("=", 2);
      settings.set(name, value);
    } else if (keyword === "FROM") {
      const [, from, name] = /^(\S+) AS (\w+)$/.exec(filled) ?? [];
      if (from === undefined || name === undefined) throw new Error(`${line}: every stage has a name.`);
      stages.push({ name, from, instructions: [] });
    } else if (stage === undefined) throw new Error(`${line} comes before the first FROM.`);
    else stage.instructions.push(instructionOf(keyword, filled));
  }
  return stages;
}
