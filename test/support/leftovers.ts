// Processes that a state folder knows of, and their end.
export {
  buildProcesses,
  endLeftovers,
  runningProcesses,
  serverProcesses,
} from "../../scripts/compose/leftovers.ts";
