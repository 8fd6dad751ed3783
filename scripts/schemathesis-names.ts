// The ids of what exists in an instance, as dictionaries for Schemathesis: a question about nothing is answered 404 and proves little.

/** Lists that are read, and the name of the parameter that their last ids fill. */
const LISTS: readonly (readonly [path: string, key: string])[] = [
  ["/v1/stacks", "stack"],
  ["/v1/stacks/-/plans", "plan"],
  ["/v1/stacks/-/applies", "apply"],
  ["/v1/deliveries", "delivery"],
  ["/v1/teams/-/endpoints", "endpoint"],
  ["/v1/teams/-/endpoints/-/rollouts", "rollout"],
  ["/v1/teams/-/models", "model"],
  ["/v1/teams/-/models/-/versions", "version"],
  ["/v1/teams/-/runs", "run"],
  ["/v1/teams/-/datasets", "dataset"],
];
/** Ids of one kind that are used. */
const IDS_MAX = 20;
/** How often a parameter is an id that exists, and not one made up. */
const KNOWN_SHARE = 0.7;

interface Named {
  readonly name: string;
  readonly build?: string;
}

async function idsOf(url: string, path: string, token: string): Promise<readonly Named[]> {
  const response = await fetch(`${url}${path}?pageSize=${IDS_MAX}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  const page = Object.values((await response.json()) as Record<string, unknown>).find((part) =>
    Array.isArray(part),
  );
  return (page ?? []) as readonly Named[];
}

/** Ids that exist, by the parameter that takes them; parameters without any are left out. */
export async function knownNames(
  url: string,
  token: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, readonly string[]>([
    ["team", ["default"]],
    ["project", ["signalbox"]],
    ["location", ["local"]],
    ["workflow", ["canary", "data-run"]],
  ]);
  const builds: string[] = [];
  for (const [path, key] of LISTS) {
    const found = await idsOf(url, path, token);
    builds.push(...found.flatMap(({ build }) => build ?? []));
    const ids = [...new Set(found.map(({ name }) => name.slice(name.lastIndexOf("/") + 1)))];
    if (ids.length > 0) names.set(key, ids);
  }
  if (builds.length > 0) names.set("build", builds.slice(0, IDS_MAX));
  return names;
}

/** The settings that bind them. Page tokens can only be ours, so a right one is none at all. */
export function namesText(names: ReadonlyMap<string, readonly string[]>): string {
  const entries = [...names, ["pageToken", [""]] as const];
  const dictionaries = entries.map(([key, ids]) => `${key} = { values = ${JSON.stringify(ids)} }`);
  const parameters = entries.map(([key]) => {
    const where = key === "pageToken" ? "query" : "path";
    const probability = key === "pageToken" ? 1 : KNOWN_SHARE;
    return `"${where}.${key}" = { dictionary = "${key}", probability = ${probability} }`;
  });
  return `[dictionaries]\n${dictionaries.join("\n")}\n\n[parameters]\n${parameters.join("\n")}\n`;
}
