// Resource names as people type and read them: short where the team and the kind are plain, whole everywhere else.

const TEAM = "default";
const segments = (name: string): readonly string[] => name.split("/");

/** The last id of a name. */
export const lastId = (name: string): string => segments(name).at(-1) ?? "";

/** `teams/default/models/ranker` → `ranker`, `teams/search/models/ranker` → `search/ranker`, `stacks/web` → `web`. */
export function shortName(name: string): string {
  const [collection, team] = segments(name);
  if (collection !== "teams" || team === TEAM) return lastId(name);
  return `${team}/${lastId(name)}`;
}

/** The reverse of `shortName` for a kind of team resource: `ranker`, `search/ranker` and whole names become whole names. */
export function teamResource(collection: string, given: string, team: string): string {
  const parts = segments(given);
  if (parts.length === 1) return `teams/${team}/${collection}/${given}`;
  if (parts.length === 2) return `teams/${parts[0]}/${collection}/${parts[1]}`;
  return given;
}

/** `web` → `stacks/web`. */
export const stackName = (given: string): string => (given.includes("/") ? given : `stacks/${given}`);

/** Model version → percent as one line, largest first: `2: 95 %, 3: 5 %`. */
export function sharesText(weights: Readonly<Record<string, number>> | undefined): string {
  const shares = Object.entries(weights ?? {}).filter(([, percent]) => percent > 0);
  const models = new Set(shares.map(([version]) => version.slice(0, version.lastIndexOf("/versions/"))));
  const label = (version: string): string =>
    models.size > 1 ? `${segments(version).at(-3) ?? ""} ${lastId(version)}` : lastId(version);
  return shares
    .toSorted(([, one], [, other]) => other - one)
    .map(([version, percent]) => `${label(version)}: ${percent} %`)
    .join(", ");
}
