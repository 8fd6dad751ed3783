// What a schema cannot see in a configuration: paths, doubled names, names that lead nowhere, circles.
import { dependencyOrder } from "./changed-stacks.ts";
import { providerAddress } from "./provider-source.ts";
import { repositoryPathProblem } from "./repository-path.ts";
import type { Configuration, ConfigurationFault } from "./configuration.ts";

const PATH_REMEDY = "Write a plain relative path inside the repository, such as stacks/playground.";

function pathFaults(configuration: Configuration): readonly ConfigurationFault[] {
  const paths: (readonly [readonly (string | number)[], string])[] = [];
  for (const [index, stack] of configuration.stacks.entries()) {
    const at = ["stacks", index];
    paths.push([[...at, "directory"], stack.directory]);
    for (const [position, path] of stack.varFiles.entries())
      paths.push([[...at, "varFiles", position], path]);
    for (const [position, path] of stack.watch.entries()) paths.push([[...at, "watch", position], path]);
  }
  for (const [index, { serving }] of configuration.endpoints.entries()) {
    if (serving.manifests !== undefined)
      paths.push([["endpoints", index, "serving", "manifests"], serving.manifests]);
  }
  return paths.flatMap(([at, path]) => {
    const problem = repositoryPathProblem(path);
    if (problem === undefined) return [];
    return [{ at, what: `The path ${JSON.stringify(path.slice(0, 80))} ${problem}.`, remedy: PATH_REMEDY }];
  });
}

function doubledNames(kind: "stacks" | "endpoints", names: readonly string[]): readonly ConfigurationFault[] {
  return names.flatMap((name, index) => {
    if (names.indexOf(name) === index) return [];
    return [
      {
        at: [kind, index, "name"],
        what: `The name ${name} is there twice.`,
        remedy: "Give each its own name.",
      },
    ];
  });
}

/** Everything in a configuration that fits its schema but cannot be meant. */
export function configurationConflicts(configuration: Configuration): readonly ConfigurationFault[] {
  const { allow, stacks, endpoints } = configuration;
  const names = stacks.map(({ name }) => name);
  const faults = [
    ...pathFaults(configuration),
    ...doubledNames("stacks", names),
    ...doubledNames(
      "endpoints",
      endpoints.map(({ team, name }) => `${team}/${name}`),
    ),
  ];
  for (const [index, source] of allow.providers.entries()) {
    if (providerAddress(source) !== undefined) continue;
    const remedy = "Write namespace/type or host/namespace/type, such as hashicorp/google.";
    faults.push({
      at: ["allow", "providers", index],
      what: `${JSON.stringify(source)} is no provider source.`,
      remedy,
    });
  }
  for (const [index, { dependsOn }] of stacks.entries()) {
    for (const [position, other] of dependsOn.entries()) {
      if (names.includes(other)) continue;
      const what = `There is no stack named ${other}.`;
      const remedy = `Correct the name; declared are ${names.join(", ")}.`;
      faults.push({ at: ["stacks", index, "dependsOn", position], what, remedy });
    }
  }
  const ordered = dependencyOrder(stacks);
  if ("cycle" in ordered) {
    const what = `These stacks depend on each other in a circle: ${ordered.cycle.join(" → ")}.`;
    const index = names.indexOf(ordered.cycle[0] ?? "");
    faults.push({ at: ["stacks", index, "dependsOn"], what, remedy: "Remove one of the dependencies." });
  }
  return faults;
}
