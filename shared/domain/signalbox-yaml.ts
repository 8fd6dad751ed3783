// `.signalbox.yaml`: what a repository asks of Signalbox, read and checked; every problem with its place and remedy.
import { Value } from "typebox/value";
import {
  type Configuration,
  type ConfigurationFault,
  type DeclaredEndpoint,
  EMPTY_CONFIGURATION,
} from "./configuration.ts";
import { CONFIGURATION_REMEDIES, ConfigurationDocument } from "./configuration-schema.ts";
import { configurationConflicts } from "./configuration-conflicts.ts";
import { parseDuration } from "./duration.ts";
import { nearestWord } from "./nearest-word.ts";
import { ROLLOUT_POLICY_DEFAULTS, resolvePolicy } from "./rollout-policy.ts";
import type { SourceProblem } from "./source-problem.ts";
import { readYaml, type YamlDocument } from "./yaml-document.ts";

/** Where the configuration stands in every repository. */
export const CONFIGURATION_FILE = ".signalbox.yaml";
/** Problems that are reported at once. */
export const CONFIGURATION_PROBLEMS_MAX = 50;

/** A configuration, or everything that is wrong with it. */
export type ReadConfiguration =
  | { readonly kind: "configuration"; readonly configuration: Configuration }
  | { readonly kind: "invalid"; readonly problems: readonly SourceProblem[] };

/** `["stacks", 0, "name"]` → `stacks[0].name`. */
export function formatPath(at: readonly (string | number)[]): string {
  return at
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

/** `judge.errors.tolerance`, `steps[1]` → their parts. */
function pathParts(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? "") : Number(index),
  );
}

/** The fields that the schema knows at a place. */
function knownFields(at: readonly (string | number)[]): readonly string[] {
  let node: unknown = ConfigurationDocument;
  for (const part of at) {
    const holder: unknown = typeof part === "number" ? node : Reflect.get(Object(node), "properties");
    node = Reflect.get(Object(holder), typeof part === "number" ? "items" : part);
  }
  return Object.keys(Object(Reflect.get(Object(node), "properties")));
}

function unknownField(at: readonly (string | number)[], name: string): ConfigurationFault {
  const known = knownFields(at);
  const near = nearestWord(name, known);
  const remedy = near === undefined ? `Remove it; known here: ${known.join(", ")}.` : `Did you mean ${near}?`;
  return { at: [...at, name], what: `There is no field ${JSON.stringify(name.slice(0, 80))} here.`, remedy };
}

/** The validator's errors in our words, one for a place. */
function schemaFaults(value: unknown): readonly ConfigurationFault[] {
  const faults = new Map<string, ConfigurationFault>();
  for (const error of Value.Errors(ConfigurationDocument, value)) {
    const at = error.instancePath
      .split("/")
      .slice(1)
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~")));
    const remedyAt = (path: readonly (string | number)[]): string => {
      const names = path.filter((part) => typeof part === "string").join(".");
      return CONFIGURATION_REMEDIES[names] ?? "See the documentation of .signalbox.yaml.";
    };
    const add = (fault: ConfigurationFault): void => {
      const key = formatPath(fault.at);
      if (!faults.has(key)) faults.set(key, fault);
    };
    if (error.keyword === "additionalProperties") {
      for (const name of error.params.additionalProperties) add(unknownField(at, name));
    } else if (error.keyword === "required") {
      for (const name of error.params.requiredProperties) {
        add({ at: [...at, name], what: `The field ${name} is missing.`, remedy: remedyAt([...at, name]) });
      }
    } else if (error.keyword !== "boolean") {
      add({ at, what: `The value ${error.message}.`, remedy: remedyAt(at) });
    }
  }
  return [...faults.values()];
}

/** The endpoint's policy and standby, with the faults of its `rollout:` block. */
function endpointOf(
  declared: NonNullable<ConfigurationDocument["endpoints"]>[number],
  index: number,
  faults: ConfigurationFault[],
): DeclaredEndpoint {
  const at = ["endpoints", index];
  const resolved = resolvePolicy(declared.rollout);
  if (resolved.kind === "invalid") {
    for (const { path, message, remedy } of resolved.problems) {
      faults.push({ at: [...at, "rollout", ...pathParts(path)], what: message, remedy });
    }
  }
  const policy = resolved.kind === "policy" ? resolved.policy : ROLLOUT_POLICY_DEFAULTS;
  const standbyMs = declared.standby === undefined ? policy.standbyMs : parseDuration(declared.standby);
  if (standbyMs === undefined) {
    const remedy = CONFIGURATION_REMEDIES["endpoints.standby"] ?? "";
    faults.push({
      at: [...at, "standby"],
      what: `${JSON.stringify(declared.standby)} is not a duration.`,
      remedy,
    });
  }
  const { manifests, parameters = {}, local } = declared.serving;
  return {
    name: declared.name,
    team: declared.team ?? "default",
    serving: {
      ...(manifests === undefined ? {} : { manifests }),
      parameters,
      ...(local === undefined
        ? {}
        : { local: { command: local.command, readiness: local.readiness ?? "/healthz" } }),
    },
    standbyMs: standbyMs ?? policy.standbyMs,
    rollout: declared.rollout ?? null,
    policy: { ...policy, standbyMs: standbyMs ?? policy.standbyMs },
  };
}

/** The checked document with its gaps filled, and the faults that a schema cannot see. */
function interpret(document: ConfigurationDocument): {
  configuration: Configuration;
  faults: ConfigurationFault[];
} {
  const faults: ConfigurationFault[] = [];
  const { allow = {}, selfApproval = false, stacks = [], endpoints = [] } = document;
  const configuration: Configuration = {
    allow: { ...EMPTY_CONFIGURATION.allow, ...allow },
    selfApproval,
    stacks: stacks.map((stack) => ({
      varFiles: [],
      watch: [],
      dependsOn: [],
      approvals: 1,
      approveAlways: false,
      ...stack,
    })),
    endpoints: endpoints.map((endpoint, index) => endpointOf(endpoint, index, faults)),
  };
  return { configuration, faults: [...faults, ...configurationConflicts(configuration)] };
}

const problemsOf = (
  document: YamlDocument,
  faults: readonly ConfigurationFault[],
): readonly SourceProblem[] =>
  faults.slice(0, CONFIGURATION_PROBLEMS_MAX).map(({ at, what, remedy }) => ({
    file: CONFIGURATION_FILE,
    ...document.locate(at),
    path: formatPath(at),
    what,
    remedy,
  }));

/** Reads a `.signalbox.yaml`. Every problem is reported, not only the first. */
export function readConfiguration(text: string): ReadConfiguration {
  const document = readYaml(CONFIGURATION_FILE, text);
  if ("problems" in document) return { kind: "invalid", problems: document.problems };
  const { value } = document;
  if (!Value.Check(ConfigurationDocument, value)) {
    return { kind: "invalid", problems: problemsOf(document, schemaFaults(value)) };
  }
  const { configuration, faults } = interpret(value);
  if (faults.length > 0) return { kind: "invalid", problems: problemsOf(document, faults) };
  return { kind: "configuration", configuration };
}
