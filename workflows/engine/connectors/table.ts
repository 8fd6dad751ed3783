// The connectors that a run knows. To add one, add a line: the HTTP method, the URL with {parameters} as in the service's
// discovery document, and what kind of long-running resource answers, if any.

/** How a call is made and what its answer means. */
export interface ConnectorEntry {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is a parameter whose slashes are kept; `{project_id}`, `{location}` default to the execution's own. */
  readonly url: string;
  /** The answer is an Operation or Execution that is polled until it is done. */
  readonly longRunning?: "operation" | "execution";
  /** Where an operation is polled: this, then `/`, then its name. */
  readonly pollBase?: string;
  /** A helper without a REST twin, by its own rule. */
  readonly helper?: "access-string" | "add-version-string" | "execute";
}

const BUILD = "https://cloudbuild.googleapis.com/v1";
const EXECUTIONS = "https://workflowexecutions.googleapis.com/v1";
const SECRETS = "https://secretmanager.googleapis.com/v1";
const RUN = "https://run.googleapis.com/v2";
const FIRESTORE = "https://firestore.googleapis.com/v1";
const BUILDS = `${BUILD}/projects/{projectId}/builds`;

/** Connectors by the part of their name after `googleapis.`. */
export const CONNECTORS: ReadonlyMap<string, ConnectorEntry> = new Map<string, ConnectorEntry>([
  // Cloud Build, the worked example: create and retry answer an Operation whose response is the Build.
  [
    "cloudbuild.v1.projects.builds.create",
    { method: "POST", url: BUILDS, longRunning: "operation", pollBase: BUILD },
  ],
  [
    "cloudbuild.v1.projects.builds.retry",
    { method: "POST", url: `${BUILDS}/{id}:retry`, longRunning: "operation", pollBase: BUILD },
  ],
  ["cloudbuild.v1.projects.builds.get", { method: "GET", url: `${BUILDS}/{id}` }],
  ["cloudbuild.v1.projects.builds.list", { method: "GET", url: BUILDS }],
  ["cloudbuild.v1.projects.builds.cancel", { method: "POST", url: `${BUILDS}/{id}:cancel` }],
  [
    "workflowexecutions.v1.projects.locations.workflows.executions.run",
    { method: "POST", url: EXECUTIONS, longRunning: "execution", pollBase: EXECUTIONS, helper: "execute" },
  ],
  [
    "workflowexecutions.v1.projects.locations.workflows.executions.create",
    { method: "POST", url: `${EXECUTIONS}/{parent}/executions` },
  ],
  [
    "workflowexecutions.v1.projects.locations.workflows.executions.get",
    { method: "GET", url: `${EXECUTIONS}/{name}` },
  ],
  [
    "workflowexecutions.v1.projects.locations.workflows.executions.cancel",
    { method: "POST", url: `${EXECUTIONS}/{name}:cancel` },
  ],
  ["secretmanager.v1.projects.secrets.versions.access", { method: "GET", url: `${SECRETS}/{name}:access` }],
  [
    "secretmanager.v1.projects.secrets.versions.accessString",
    { method: "GET", url: SECRETS, helper: "access-string" },
  ],
  [
    "secretmanager.v1.projects.secrets.addVersionString",
    { method: "POST", url: SECRETS, helper: "add-version-string" },
  ],
  [
    "pubsub.v1.projects.topics.publish",
    { method: "POST", url: "https://pubsub.googleapis.com/v1/{topic}:publish" },
  ],
  [
    "run.v2.projects.locations.jobs.run",
    { method: "POST", url: `${RUN}/{name}:run`, longRunning: "operation", pollBase: RUN },
  ],
  ["run.v2.projects.locations.jobs.get", { method: "GET", url: `${RUN}/{name}` }],
  ["firestore.v1.projects.databases.documents.get", { method: "GET", url: `${FIRESTORE}/{name}` }],
  ["firestore.v1.projects.databases.documents.patch", { method: "PATCH", url: `${FIRESTORE}/{name}` }],
  ["firestore.v1.projects.databases.documents.delete", { method: "DELETE", url: `${FIRESTORE}/{name}` }],
]);

/** Legacy calls that are other names for a connector. */
const ALIASES: Readonly<Record<string, string | undefined>> = {
  "experimental.executions.run": "workflowexecutions.v1.projects.locations.workflows.executions.run",
};

/** The entry of a connector by the full name of its call. */
export function findConnector(name: string): ConnectorEntry | undefined {
  return CONNECTORS.get(ALIASES[name] ?? name.replace(/^googleapis\./, ""));
}
