/** Bytes of an annotation's message, in UTF-8 (https://docs.github.com/rest/checks/runs: 64 KB). */
export const CHECK_ANNOTATION_BYTES_MAX = 64 * 1_024;

/** A check on a commit, kept up to date under its id. */
export interface Check {
  /** Stable: putting the same id again replaces the check. */
  readonly id: string;
  readonly repository: string;
  readonly commit: string;
  readonly name: string;
  readonly status: "queued" | "in_progress" | "completed";
  readonly conclusion?: "success" | "failure" | "neutral" | "action_required";
  readonly title: string;
  /** Markdown, at most 65,535 characters (GitHub's limit for a check run's summary). */
  readonly summary: string;
  readonly detailsUrl?: string;
  /** Problems at lines of files, at most 50 in one request (GitHub); each message has at most CHECK_ANNOTATION_BYTES_MAX. */
  readonly annotations: readonly { readonly path: string; readonly line: number; readonly message: string }[];
  /** Buttons, at most 3; a press comes back as a delivery that names `id` (GitHub: 20 characters of id and label, 40 of description). */
  readonly actions?: readonly { readonly id: string; readonly label: string; readonly description: string }[];
  /** RFC 3339; a check is replaced only by one that is not older. */
  readonly updatedAt: string;
}

/** Where people see what happens to their pull request. Law: `put` is a replacement by id; a comment is one per key. */
export interface Checks {
  put(check: Check): Promise<void>;
  /** By id. Without a commit, at least the checks of the default branch's newest commit and of open pull requests. */
  list(repository: string, commit?: string): Promise<readonly Check[]>;
  /** One comment per pull request and key, replaced when put again. */
  comment(repository: string, pullRequest: number, key: string, markdown: string): Promise<void>;
  comments(
    repository: string,
    pullRequest: number,
  ): Promise<readonly { readonly key: string; readonly markdown: string }[]>;
}
