// The people of every test installation.
import type { FirstPerson } from "../../scripts/compose/state-folder.ts";

/** Their roles are those of the demo. */
export const PEOPLE: readonly FirstPerson[] = [
  { principal: "admin", role: "admin", codeHostLogins: ["admin"], tokenFile: "token" },
  { principal: "ada", role: "engineer", codeHostLogins: ["ada", "ada@example.com"], tokenFile: "token-ada" },
  {
    principal: "grace",
    role: "operator",
    codeHostLogins: ["grace", "grace@example.com"],
    tokenFile: "token-grace",
  },
];
