// Programs of this machine that an embedded control plane stands on.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { failure, fine, type Finding } from "./finding.ts";

/** How long a program may take to say its version. */
export const VERSION_MS = 10_000;

interface Tool {
  readonly command: string;
  readonly args: readonly string[];
  /** The oldest version that will do. */
  readonly min: readonly [number, number];
}

const TOOLS: readonly Tool[] = [
  { command: "git", args: ["version"], min: [2, 38] },
  { command: "terraform", args: ["version"], min: [1, 9] },
];

const isOlder = (
  [major, minor]: readonly number[],
  [needMajor, needMinor]: readonly [number, number],
): boolean => (major ?? 0) < needMajor || ((major ?? 0) === needMajor && (minor ?? 0) < needMinor);

async function toolFinding({ command, args, min }: Tool, path: string): Promise<Finding> {
  const remedy = `Install ${command} ${min.join(".")} or newer.`;
  try {
    const env = { PATH: path, CHECKPOINT_DISABLE: "1" };
    const { stdout } = await promisify(execFile)(command, [...args], { env, timeout: VERSION_MS });
    const [version = ""] = /[0-9]+\.[0-9]+(?:\.[0-9]+)?/.exec(stdout) ?? [];
    if (version === "" || isOlder(version.split(".").map(Number), min))
      return failure(
        "versions",
        `${command} is ${version === "" ? "of an unknown version" : version}.`,
        remedy,
      );
    return fine("versions", `${command} ${version}`);
  } catch {
    return failure("versions", `${command} is not on PATH, or does not run.`, remedy);
  }
}

/** Asks each for its version. */
export function toolFindings(path: string): Promise<readonly Finding[]> {
  return Promise.all(TOOLS.map((tool) => toolFinding(tool, path)));
}
