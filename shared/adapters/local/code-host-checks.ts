// Checks and comments as JSON files: one file a check, one a comment, replaced as a whole by a rename.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { type ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import { type Check, CHECK_ANNOTATION_BYTES_MAX, type Checks } from "../../ports/checks.ts";
import { readJsonFile } from "./builds-folder.ts";
import { repositoryFolder } from "./code-host.ts";

/** Files of checks or comments of one repository that are read for a list. */
export const CHECK_FILES_MAX = 10_000;
/** GitHub's limits for the same requests, kept here so that nothing works only locally. */
const SUMMARY_LENGTH_MAX = 65_535;
/** Characters of one comment, as on GitHub. */
const COMMENT_LENGTH_MAX = 65_536;
/** Annotations of one check, as GitHub takes them in one call. */
const ANNOTATIONS_MAX = 50;

interface Comment {
  readonly pullRequest: number;
  readonly key: string;
  readonly markdown: string;
}

const fileOf = (...parts: readonly (string | number)[]): string =>
  `${createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 40)}.json`;

let temporary = 0;

/** Writes a file so that a reader sees the old or the new content, and that it outlives a crash. */
async function replaceFile(folder: string, name: string, content: unknown): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  temporary += 1;
  const draft = join(folder, `.${name}.${process.pid}.${temporary}`);
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(JSON.stringify(content));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, name));
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function readFiles<Content>(folder: string): Promise<readonly Content[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith(".json") && !name.startsWith(".")).sort();
  return Promise.all(
    files.slice(0, CHECK_FILES_MAX).map(async (name) => {
      const content: unknown = JSON.parse(await readFile(join(folder, name), "utf8"));
      return content as Content;
    }),
  );
}

function requireCheck(check: Check): void {
  const problem = (field: string, message: string): ControlPlaneError =>
    invalidArgument(field, `${field} ${message}`);
  if (check.summary.length > SUMMARY_LENGTH_MAX)
    throw problem("summary", `is longer than ${SUMMARY_LENGTH_MAX} characters: cut it.`);
  if (check.annotations.length > ANNOTATIONS_MAX)
    throw problem("annotations", `are more than ${ANNOTATIONS_MAX}: send the first ones.`);
  if (check.annotations.some(({ message }) => Buffer.byteLength(message) > CHECK_ANNOTATION_BYTES_MAX))
    throw problem("annotations", `have a message of more than ${CHECK_ANNOTATION_BYTES_MAX} bytes: cut it.`);
  if ((check.status === "completed") !== (check.conclusion !== undefined)) {
    throw problem("conclusion", "belongs to completed checks, and to all of them.");
  }
}

/** Keeps checks and comments in `<root>/<owner>/<name>.git.signalbox/`, beside the repository, where Git does not look. */
export function createLocalChecks(options: { readonly root: string }): Checks {
  const folder = (repository: string, kind: string): string =>
    join(`${repositoryFolder(options.root, repository)}.signalbox`, kind);
  // One queue: "replaced only by one that is not older" reads before it writes.
  let queue: Promise<unknown> = Promise.resolve();
  const inOrder = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const next = queue.then(work);
    queue = next.catch(() => undefined);
    return next;
  };
  return {
    async put(check) {
      requireCheck(check);
      const place = folder(check.repository, "checks");
      return inOrder(async () => {
        const known = await readJsonFile<Check>(join(place, fileOf(check.id)));
        if (known !== undefined && Date.parse(known.updatedAt) > Date.parse(check.updatedAt)) return;
        await replaceFile(place, fileOf(check.id), check);
      });
    },
    async list(repository, commit) {
      const checks = await readFiles<Check>(folder(repository, "checks"));
      return checks
        .filter((check) => commit === undefined || check.commit === commit)
        .toSorted((one, other) => (one.id < other.id ? -1 : 1));
    },
    comment(repository, pullRequest, key, markdown) {
      if (markdown.length > COMMENT_LENGTH_MAX) {
        throw invalidArgument(
          "markdown",
          `markdown is longer than ${COMMENT_LENGTH_MAX} characters: cut it.`,
        );
      }
      const comment: Comment = { pullRequest, key, markdown };
      return inOrder(() => replaceFile(folder(repository, "comments"), fileOf(pullRequest, key), comment));
    },
    async comments(repository, pullRequest) {
      const comments = await readFiles<Comment>(folder(repository, "comments"));
      return comments
        .filter((comment) => comment.pullRequest === pullRequest)
        .map(({ key, markdown }) => ({ key, markdown }))
        .toSorted((one, other) => (one.key < other.key ? -1 : 1));
    },
  };
}
