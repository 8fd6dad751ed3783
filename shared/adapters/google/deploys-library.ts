// The library of Cloud Deploy. A bundle keeps the names of static imports only, so it is loaded later through this module.
export { CloudDeployClient } from "@google-cloud/deploy";
