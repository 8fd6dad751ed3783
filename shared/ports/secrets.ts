/** A secret while it rotates: the current value, and the previous one as long as it is still accepted. */
export interface Secret {
  readonly current: string;
  readonly previous?: string;
}

/** Secrets by name. Law: never logged; an absent or empty secret is FAILED_PRECONDITION, never an empty string. */
export interface Secrets {
  get(name: string): Promise<Secret>;
}
