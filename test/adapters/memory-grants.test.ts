// The grants of tests keep the same law as the files.
import { itBehavesLikeGrants } from "../contracts/grants.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";

itBehavesLikeGrants("grants in memory", async () => {
  const grants = createMemoryGrants();
  return { grants, reopen: async () => grants };
});
