// Names of what exists in the running instance, for completion. Whatever goes wrong, nobody is told: they are in the middle of typing.
import { readdirSync } from "node:fs";
import { connect, type ConnectionOptions, STATE_FOLDERS } from "../connection.ts";
import { callJson } from "../call.ts";
import { lastId, shortName } from "../names.ts";
import { type Resource, textOf } from "../output.ts";
import { printable } from "../text.ts";
import type { Candidate, FindNames, NameKind } from "./candidates.ts";

/** How long a person who types may wait for names. */
const COMPLETION_TIME_MAX_MS = 1_500;
/** Names of one list that are offered. */
const COMPLETION_NAMES_MAX = 200;
/** Characters of the words about a name. */
const ABOUT_WIDTH_MAX = 60;

interface ListOf {
  readonly path: string;
  readonly value: (name: string) => string;
}

const LISTS: Readonly<Record<Exclude<NameKind, "person">, readonly ListOf[]>> = {
  "dead-letter": [{ path: "/v1/deadLetters", value: lastId }],
  endpoint: [{ path: "/v1/teams/-/endpoints", value: shortName }],
  log: [
    { path: "/v1/stacks/-/plans", value: (name) => name },
    { path: "/v1/stacks/-/applies", value: (name) => name },
    { path: "/v1/teams/-/runs", value: shortName },
  ],
  model: [{ path: "/v1/teams/-/models", value: shortName }],
  plan: [{ path: "/v1/stacks/-/plans", value: (name) => name }],
  rollout: [
    { path: "/v1/teams/-/endpoints", value: shortName },
    { path: "/v1/teams/-/endpoints/-/rollouts", value: lastId },
  ],
  run: [{ path: "/v1/teams/-/runs", value: shortName }],
  stack: [{ path: "/v1/stacks", value: shortName }],
  version: [{ path: "/v1/teams/-/models/-/versions", value: lastId }],
};

/** People with a token file in the state folder. */
function people(folders: readonly string[]): readonly Candidate[] {
  return folders.flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((file) => file.startsWith("token-"))
        .map((file) => ({ value: file.slice("token-".length), about: `token in ${folder}` }));
    } catch {
      return [];
    }
  });
}

/** Finds names in the instance that these options lead to. */
export function namesOf(options: ConnectionOptions, env: NodeJS.ProcessEnv): FindNames {
  const list = async ({ path, value }: ListOf): Promise<readonly Candidate[]> => {
    const body = await callJson<Record<string, unknown>>(connect(options, env), {
      method: "GET",
      path: `${path}?pageSize=${COMPLETION_NAMES_MAX}`,
      timeoutMs: COMPLETION_TIME_MAX_MS,
    });
    const rows = (Object.values(body).find((part) => Array.isArray(part)) ?? []) as readonly Resource[];
    return rows.flatMap((row) => {
      const name = textOf(row, "name");
      return name === undefined
        ? []
        : [{ value: value(name), about: printable(textOf(row, "state") ?? name, ABOUT_WIDTH_MAX) }];
    });
  };
  return async (kind) => {
    if (kind === "person") return people(options.state === undefined ? STATE_FOLDERS : [options.state]);
    try {
      return (await Promise.all(LISTS[kind].map(list))).flat();
    } catch {
      return [];
    }
  };
}
