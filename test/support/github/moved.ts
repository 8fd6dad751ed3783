// Repositories that were renamed: their old names lead on, as https://docs.github.com/rest describes for 301 and 307.
import { FakeError, type FakeRepository } from "./world.ts";

/** Where the old names of repositories lead. */
export interface MovedNames {
  /** Gives the repository another name. */
  rename(repository: FakeRepository, fullName: string): void;
  /** The path as routes know it. Throws 301 for a read under an old name, and 307 for a write. */
  pathOf(method: string | undefined, url: URL): string;
}

/** Old names, none at first. `lists` are all places where the names of repositories stand. */
export function createMovedNames(repositories: Map<string, FakeRepository>, names: Set<string>): MovedNames {
  const moved = new Map<string, FakeRepository>();
  return {
    rename(repository, fullName) {
      repositories.delete(repository.fullName);
      names.delete(repository.fullName);
      moved.set(repository.fullName, repository);
      repository.fullName = fullName;
      repositories.set(fullName, repository);
      names.add(fullName);
    },
    pathOf(method, { pathname, search, origin }) {
      const [, id, rest = ""] = /^\/repositories\/(\d+)(\/.*)?$/.exec(pathname) ?? [];
      if (id !== undefined) {
        const found = [...repositories.values()].find((each) => each.id === Number(id));
        if (found === undefined) throw new FakeError(404, "Not Found");
        return `/repos/${found.fullName}${rest}`;
      }
      const [, name = "", under = ""] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(pathname) ?? [];
      const found = moved.get(name);
      if (found === undefined) return pathname;
      const location = `${origin}/repositories/${found.id}${under}${search}`;
      if (method === "GET") throw new FakeError(301, "Moved Permanently", { url: location }, { location });
      throw new FakeError(307, "Temporary Redirect", { url: location }, { location });
    },
  };
}
