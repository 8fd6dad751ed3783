// Paths that people write into `.signalbox.yaml`: inside the repository, plain, the same on every system.

/** Longest path, in characters. */
export const REPOSITORY_PATH_LENGTH_MAX = 512;

const SEGMENT = /^[\p{L}\p{N}_.][-\p{L}\p{N}_.+@=, ]*$/u;
const RESERVED = new Set([".git", ".terraform", "terraform.d"]);

/** What is wrong with a path, or undefined when it may be used. `.` is the root of the repository. */
export function repositoryPathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.length > REPOSITORY_PATH_LENGTH_MAX)
    return `is longer than ${REPOSITORY_PATH_LENGTH_MAX} characters`;
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "is absolute";
  if (path === ".") return undefined;
  for (const segment of path.split("/")) {
    if (segment === "..") return "leaves its folder with `..`";
    if (segment === "." || segment === "") return "has an empty segment";
    if (segment.startsWith("-"))
      return "has a segment that starts with a dash, which programs take for an option";
    if (RESERVED.has(segment.toLowerCase())) return `names ${segment}, which is not the repository's to use`;
    if (!SEGMENT.test(segment)) return "has a character that is not allowed in paths here";
  }
  return path === path.normalize("NFC") ? undefined : "is not in Unicode's composed form (NFC)";
}
