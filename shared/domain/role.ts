// Who may do what: four roles of people, each of which includes those before it, and one that no person has.

/** Roles that a person may have, from the least to the most. */
export const PERSON_ROLES = ["viewer", "engineer", "operator", "admin"] as const;

/** A role of a person. */
export type PersonRole = (typeof PERSON_ROLES)[number];

/** A role: a person's, or `workflow`, which only the tokens of workflow executions carry. */
export type Role = PersonRole | "workflow";

/** Who asks, as the identity layer knows them. */
export interface Caller {
  /** Name of the person or service, as it appears in facts. */
  readonly principal: string;
  readonly role: Role;
  /** Logins of the same person on the code host. */
  readonly codeHostLogins: readonly string[];
}

/** Whether someone with the role `has` may do what asks for `needed`. `workflow` neither includes nor is included. */
export function roleAllows(has: Role, needed: Role): boolean {
  if (has === "workflow" || needed === "workflow") return has === needed;
  return PERSON_ROLES.indexOf(has) >= PERSON_ROLES.indexOf(needed);
}
