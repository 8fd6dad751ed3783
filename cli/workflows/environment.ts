// What `sys.get_env` answers when a workflow runs outside the cloud.
import { basename } from "node:path";
import type { Program } from "../../workflows/engine/engine.ts";

/** The seven built-in names, with values that are plainly local; `more` overrides them. */
export function localEnvironment(
  { file, revision }: Program,
  execution: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    GOOGLE_CLOUD_LOCATION: "local",
    GOOGLE_CLOUD_PROJECT_ID: "local",
    GOOGLE_CLOUD_PROJECT_NUMBER: "0",
    GOOGLE_CLOUD_SERVICE_ACCOUNT_NAME: "workflows@local.iam.gserviceaccount.com",
    GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: execution,
    GOOGLE_CLOUD_WORKFLOW_ID: basename(file).replace(/\.(ya?ml|json)$/, ""),
    GOOGLE_CLOUD_WORKFLOW_REVISION_ID: `000001-${revision.slice(0, 3)}`,
    ...more,
  };
}
