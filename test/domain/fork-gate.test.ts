import { expect, test } from "vitest";
import { forkGate, headName, type HeadInput } from "../../shared/domain/fork-gate.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { given } from "../support/given.ts";

const held: FactData<"head.held"> = {
  repository: "acme/platform",
  sender: "mallory",
  pullRequest: {
    number: 7,
    author: "mallory",
    headCommit: "a".repeat(40),
    baseCommit: "b".repeat(40),
    baseBranch: "main",
    merged: false,
  },
};
const past = { type: "head.held", data: held } as const;
const allow = (
  login: string,
  permission: Extract<HeadInput, { kind: "allow" }>["permission"],
): HeadInput => ({
  kind: "allow",
  login,
  permission,
});

test("a commit from outside is held once", () => {
  given(forkGate).when({ kind: "hold", held }).then(past);
  given(forkGate, past)
    .when({ kind: "hold", held })
    .thenIgnored(/held already/);
});

test.each(["write", "maintain", "admin"] as const)("someone with %s lets it in", (permission) => {
  given(forkGate, past)
    .when(allow("grace", permission))
    .then({ type: "head.allowed", data: { by: "grace" } });
});

test.each(["none", "read", "triage"] as const)("someone with %s does not", (permission) => {
  given(forkGate, past)
    .when(allow("eve", permission))
    .thenIgnored(/may not write/);
});

test("the author does not, whatever they may do, and nobody lets in what was never held", () => {
  given(forkGate, past)
    .when(allow("Mallory", "admin"))
    .thenIgnored(/someone else/);
  given(forkGate)
    .when(allow("grace", "admin"))
    .thenIgnored(/no pull request/);
});

test("a commit is let in once", () => {
  given(forkGate, past, { type: "head.allowed", data: { by: "grace" } })
    .when(allow("edsger", "admin"))
    .thenIgnored(/grace has allowed/);
});

test("the gate is of one commit of one pull request", () => {
  const one = headName("acme/platform", 7, "a".repeat(40));
  expect(one).not.toBe(headName("acme/platform", 8, "a".repeat(40)));
  expect(one).not.toBe(headName("acme/platform", 7, "b".repeat(40)));
});
