// Reads what a tree says about its stacks: configuration, closures, and which stacks a change touches.
import { type ChangedStack, type StackSide, changedStacks } from "../../shared/domain/changed-stacks.ts";
import { closureOf } from "../../shared/domain/closure.ts";
import {
  type ResolvedConfiguration,
  type ResolvedStack,
  resolveConfiguration,
} from "../../shared/domain/resolved-configuration.ts";
import { type Configuration, EMPTY_CONFIGURATION } from "../../shared/domain/configuration.ts";
import { CONFIGURATION_FILE } from "../../shared/domain/signalbox-yaml.ts";
import type { SourceProblem } from "../../shared/domain/source-problem.ts";
import type { CodeHost, TreeEntry } from "../../shared/ports/code-host.ts";
import { knownConfiguration } from "./known-configurations.ts";

/** One side of a change. */
interface Side {
  readonly tree: readonly TreeEntry[];
  readonly configuration: Configuration;
}

/** A stack that a change touches, with everything that a plan of it needs. */
export interface StackChange extends ChangedStack {
  readonly stack: ResolvedStack;
  readonly closureDigest: string;
}

/**
 * What a change asks for, or everything that is wrong with it. `configuration`: what a review of it needs, policy of the
 * base branch; `branch`: what holds once it is merged.
 */
export type Change =
  | {
      readonly kind: "change";
      readonly configuration: ResolvedConfiguration;
      readonly branch: readonly ResolvedStack[];
      readonly stacks: readonly StackChange[];
    }
  | { readonly kind: "invalid"; readonly problems: readonly SourceProblem[] };

type SideResult =
  | { readonly kind: "side"; readonly side: Side }
  | { readonly kind: "invalid"; readonly problems: readonly SourceProblem[] };

async function readSide(
  codeHost: CodeHost,
  repository: string,
  treeId: string | undefined,
): Promise<SideResult> {
  if (treeId === undefined) return { kind: "side", side: { tree: [], configuration: EMPTY_CONFIGURATION } };
  const tree = await codeHost.tree(repository, treeId);
  const file = tree.find(({ path }) => path === CONFIGURATION_FILE);
  if (file === undefined) return { kind: "side", side: { tree, configuration: EMPTY_CONFIGURATION } };
  if (!file.mode.startsWith("100")) {
    const what = `${CONFIGURATION_FILE} is not a regular file.`;
    return {
      kind: "invalid",
      problems: [
        {
          file: CONFIGURATION_FILE,
          line: 1,
          column: 1,
          what,
          remedy: "Replace the link by the file itself.",
        },
      ],
    };
  }
  const text = new TextDecoder().decode(await codeHost.blob(repository, file.objectId));
  const read = knownConfiguration(text);
  if (read.kind === "invalid") return read;
  return { kind: "side", side: { tree, configuration: read.configuration } };
}

/** Reads base and head (commits or trees) and finds the stacks that differ, dependencies first. */
export async function readChange(
  codeHost: CodeHost,
  repository: string,
  base: string | undefined,
  head: string,
): Promise<Change> {
  const [before, after] = await Promise.all([
    readSide(codeHost, repository, base),
    readSide(codeHost, repository, head),
  ]);
  if (after.kind === "invalid") return after;
  // A base branch whose configuration cannot be read has no policy to offer: every stack is new, the strictest policy holds.
  const baseSide: Side =
    before.kind === "side" ? before.side : { tree: [], configuration: EMPTY_CONFIGURATION };
  const configuration = resolveConfiguration(baseSide.configuration, after.side.configuration);
  const problems: SourceProblem[] = [];
  const digests = new Map<string, string>();
  const sides = await Promise.all(
    configuration.stacks
      .filter(({ presence }) => presence !== "removed")
      .map(async (stack) => {
        const head = await sideOf(codeHost, repository, after.side.tree, stack, stack.configDigest);
        if (head.kind === "refused") problems.push(...head.problems);
        else digests.set(stack.name, head.closureDigest);
        const declared = baseSide.configuration.stacks.find(({ name }) => name === stack.name);
        const known =
          declared === undefined
            ? undefined
            : await sideOf(
                codeHost,
                repository,
                baseSide.tree,
                declared,
                baseDigest(baseSide.configuration, stack.name),
              );
        return {
          name: stack.name,
          dependsOn: stack.dependsOn,
          ...(head.kind === "side" ? { head: head.side } : {}),
          ...(known?.kind === "side" ? { base: known.side } : {}),
        };
      }),
  );
  if (problems.length > 0) return { kind: "invalid", problems };
  const changed = changedStacks(sides);
  if (changed.kind === "refused") {
    return {
      kind: "invalid",
      problems: [
        { file: CONFIGURATION_FILE, line: 1, column: 1, what: changed.what, remedy: changed.remedy },
      ],
    };
  }
  return {
    kind: "change",
    configuration,
    branch: resolveConfiguration(after.side.configuration, after.side.configuration).stacks,
    stacks: changed.stacks.flatMap((each) => {
      const stack = configuration.stacks.find(({ name }) => name === each.name);
      const closureDigest = digests.get(each.name);
      return stack === undefined || closureDigest === undefined ? [] : [{ ...each, stack, closureDigest }];
    }),
  };
}

function baseDigest(base: Configuration, name: string): string {
  return resolveConfiguration(base, base).stacks.find((stack) => stack.name === name)?.configDigest ?? "";
}

async function sideOf(
  codeHost: CodeHost,
  repository: string,
  tree: readonly TreeEntry[],
  stack: {
    readonly directory: string;
    readonly varFiles: readonly string[];
    readonly watch: readonly string[];
  },
  configDigest: string,
): Promise<
  | { readonly kind: "side"; readonly side: StackSide; readonly closureDigest: string }
  | { readonly kind: "refused"; readonly problems: readonly SourceProblem[] }
> {
  const closure = await closureOf(stack, tree, ({ objectId }) => codeHost.blob(repository, objectId));
  if (closure.kind === "refused") return closure;
  return { kind: "side", side: { files: closure.files, configDigest }, closureDigest: closure.closureDigest };
}
