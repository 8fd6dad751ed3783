// The library of Cloud Workflows. A bundle keeps the names of static imports only, so it is loaded later through this module.
import workflows from "@google-cloud/workflows";

/** Its client of executions. */
export const { ExecutionsClient } = workflows;
