// Who may do what in a repository, and its default branch, as GitHub says now.
import { Type } from "typebox";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { CodeHostAccess } from "../../ports/code-host-access.ts";
import type { GithubApp } from "./app.ts";
import { repositoryParts } from "./send.ts";

const PermissionAnswer = Type.Object({ permission: Type.String(), role_name: Type.Optional(Type.String()) });
const RepositoryAnswer = Type.Object({ default_branch: Type.String() });
const CommitsAnswer = Type.Array(Type.Object({ sha: Type.String() }));
const PERMISSIONS = ["admin", "maintain", "write", "triage", "read"] as const;

/** Asks GitHub each time: a right that was taken away must not be remembered. */
export function createGithubAccess(app: Pick<GithubApp, "on">): CodeHostAccess {
  return {
    async permission(repository, login) {
      const { owner, repo } = repositoryParts(repository);
      const send = await app.on(repository);
      try {
        const { data } = await send(PermissionAnswer, {
          route: "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
          parameters: { owner, repo, username: login },
          what: `GitHub ${repository} permission of ${login}`,
        });
        // `permission` knows no maintain and triage; a role of an organisation's own falls back to what it stands on.
        const known = (name: string | undefined) => PERMISSIONS.find((each) => each === name);
        return known(data.role_name) ?? known(data.permission) ?? "none";
      } catch (error) {
        if (error instanceof ControlPlaneError && error.code === "NOT_FOUND") return "none";
        throw error;
      }
    },
    async defaultCommit(repository) {
      const { owner, repo } = repositoryParts(repository);
      const send = await app.on(repository);
      const what = `GitHub ${repository}`;
      const { data } = await send(RepositoryAnswer, {
        route: "GET /repos/{owner}/{repo}",
        parameters: { owner, repo },
        what,
      });
      const { data: commits } = await send(CommitsAnswer, {
        route: "GET /repos/{owner}/{repo}/commits",
        parameters: { owner, repo, sha: data.default_branch, per_page: 1 },
        what,
      });
      const [newest] = commits;
      if (newest !== undefined) return newest.sha;
      throw new ControlPlaneError("NOT_FOUND", `${repository} has no commit yet.`, {
        reason: "RESOURCE_NOT_FOUND",
      });
    },
  };
}
