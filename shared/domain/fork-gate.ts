// Code from outside the repository is not planned: a plan runs it. One commit at a time may be let in, by who may write.
import { type Decider, happens, ignored } from "./decider.ts";
import type { FactData } from "./facts.ts";
import { shortHash } from "./fact.ts";
import { formatName } from "./names.ts";

/** What a person may do in a repository. */
export type Permission = "none" | "read" | "triage" | "write" | "maintain" | "admin";

/** Whether someone may let code in, and whether their review counts. */
export function mayWrite(permission: Permission): boolean {
  return permission === "write" || permission === "maintain" || permission === "admin";
}

/** One commit of a pull request from outside. */
export interface HeadState {
  readonly held?: FactData<"head.held">;
  readonly allowedBy?: string;
}

/** What can happen to it. */
export type HeadInput =
  | { readonly kind: "hold"; readonly held: FactData<"head.held"> }
  | { readonly kind: "allow"; readonly login: string; readonly permission: Permission };

/** The stream of a commit of a pull request: allowing it allows no other commit, and not this one in another pull request. */
export function headName(repository: string, pullRequest: number, head: string): string {
  return formatName("head", { head: shortHash(repository, String(pullRequest), head) });
}

/** The gate of one commit: held, then allowed by someone who may write. */
export const forkGate: Decider<HeadState, HeadInput, "head.held" | "head.allowed"> = {
  initial: {},
  decide: (state, input) => {
    if (input.kind === "hold") {
      return state.held === undefined
        ? happens([{ type: "head.held", data: input.held }])
        : ignored("this commit is held already");
    }
    const { login, permission } = input;
    if (state.held === undefined) return ignored("no pull request from outside has this commit");
    if (state.allowedBy !== undefined) return ignored(`${state.allowedBy} has allowed this commit already`);
    if (login.toLowerCase() === state.held.pullRequest.author.toLowerCase())
      return ignored(`${login} wrote the pull request: someone else must allow it`);
    return mayWrite(permission)
      ? happens([{ type: "head.allowed", data: { by: login } }])
      : ignored(
          `${login} may not write to the repository (${permission}), so their word does not let code in`,
        );
  },
  evolve: (state, fact) =>
    fact.type === "head.held" ? { ...state, held: fact.data } : { ...state, allowedBy: fact.data.by },
};
