import type { Permission } from "../domain/fork-gate.ts";

/** Who may do what on the code host, and where a repository stands. Law: an unknown person may do nothing; an unknown repository is NOT_FOUND. */
export interface CodeHostAccess {
  permission(repository: string, login: string): Promise<Permission>;
  /** The newest commit of the default branch. */
  defaultCommit(repository: string): Promise<string>;
}
