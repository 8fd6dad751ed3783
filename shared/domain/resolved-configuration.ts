// The configuration that applies to a change: policy from the base branch, stacks and endpoints from base and head together.
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Configuration, DeclaredEndpoint, DeclaredStack } from "./configuration.ts";
import type { ScanPolicy } from "./terraform-blocks.ts";

/** A stack as it is planned for a change. */
export interface ResolvedStack extends DeclaredStack {
  readonly selfApproval: boolean;
  readonly allow: ScanPolicy;
  /** `sha256:` over what decides about plans of this stack; the same after the merge if the change did not touch policy. */
  readonly configDigest: string;
  /** `new`: not on the base branch yet, so planned under the strictest policy; `removed`: the change takes it away. */
  readonly presence: "kept" | "new" | "removed";
}

/** An endpoint of base or head; head wins where both have it. */
export interface ResolvedEndpoint extends DeclaredEndpoint {
  readonly presence: "kept" | "new" | "removed";
}

/** What applies to a change. */
export interface ResolvedConfiguration {
  readonly allow: ScanPolicy;
  readonly selfApproval: boolean;
  readonly stacks: readonly ResolvedStack[];
  readonly endpoints: readonly ResolvedEndpoint[];
}

/** Digest of the RFC 8785 JSON of a stack's configuration. */
export function configDigest(stack: DeclaredStack, allow: ScanPolicy, selfApproval: boolean): string {
  const {
    name,
    directory,
    varFiles,
    watch,
    dependsOn,
    approvals,
    approveAlways,
    terraformVersion = null,
  } = stack;
  const declared = {
    name,
    directory,
    varFiles,
    watch,
    dependsOn,
    approvals,
    approveAlways,
    terraformVersion,
  };
  const text = canonicalize({ allow, selfApproval, stack: declared });
  return `sha256:${createHash("sha256")
    .update(text ?? "")
    .digest("hex")}`;
}

/** Where the stack is comes from head; who must approve it and with which Terraform comes from the base branch. */
function merged(base: DeclaredStack, head: DeclaredStack): DeclaredStack {
  const { terraformVersion: _, ...structure } = head;
  const { approvals, approveAlways, terraformVersion } = base;
  return {
    ...structure,
    approvals,
    approveAlways,
    ...(terraformVersion === undefined ? {} : { terraformVersion }),
  };
}

/** The strictest policy: at least one approval, never fewer than any stack of the base branch asks for, always. */
function strictest(stack: DeclaredStack, base: Configuration): DeclaredStack {
  const approvals = Math.max(1, stack.approvals, ...base.stacks.map((other) => other.approvals));
  return { ...stack, approvals, approveAlways: true };
}

/** Brings base and head together. Pass the same configuration twice for what applies on the branch itself. */
export function resolveConfiguration(base: Configuration, head: Configuration): ResolvedConfiguration {
  const { allow, selfApproval } = base;
  const resolve = (declared: DeclaredStack, applied: DeclaredStack, presence: ResolvedStack["presence"]) => ({
    ...applied,
    allow,
    selfApproval,
    configDigest: configDigest(declared, allow, selfApproval),
    presence,
  });
  const stacks = head.stacks.map((stack): ResolvedStack => {
    const known = base.stacks.find(({ name }) => name === stack.name);
    // The digest of a new stack is of what it declares, which is what the base branch will say after the merge.
    if (known === undefined) return resolve(stack, strictest(stack, base), "new");
    const both = merged(known, stack);
    return resolve(both, both, "kept");
  });
  const removed = base.stacks
    .filter(({ name }) => !head.stacks.some((stack) => stack.name === name))
    .map((stack): ResolvedStack => resolve(stack, stack, "removed"));
  const isSame = (one: DeclaredEndpoint) => (other: DeclaredEndpoint) =>
    one.name === other.name && one.team === other.team;
  const endpoints = [
    ...head.endpoints.map((endpoint): ResolvedEndpoint => ({
      ...endpoint,
      presence: base.endpoints.some(isSame(endpoint)) ? "kept" : "new",
    })),
    ...base.endpoints
      .filter((endpoint) => !head.endpoints.some(isSame(endpoint)))
      .map((endpoint): ResolvedEndpoint => ({ ...endpoint, presence: "removed" })),
  ];
  return { allow, selfApproval, stacks: [...stacks, ...removed], endpoints };
}
