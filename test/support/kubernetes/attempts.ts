// What an identity of ours must not be able to do, whichever of them it is.
import { userName } from "./apiserver.ts";
import type { Asked, Method } from "./ask.ts";

/** One attempt: what it is, and the request. */
export type Attempt = readonly [what: string, method: Method, path: string, asked?: Asked];

/** An object of no content, for attempts that are refused before anybody looks at it. */
export const named = (kind: string, apiVersion = "v1") => ({
  apiVersion,
  kind,
  metadata: { name: "theirs" },
});

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

/** Attempts on whatever is not routes and not runs: secrets, programs, rights, the cluster itself. `role` is what the identity is bound to. */
export function attemptsOnTheRest(namespace: string, role: string): readonly Attempt[] {
  const core = `/api/v1/namespaces/${namespace}`;
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const all = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
  const asAdmin = { "impersonate-user": userName("admin"), "impersonate-group": "system:masters" };
  return [
    ["read a gateway", "GET", "/apis/gateway.networking.k8s.io/v1/namespaces/gateways/gateways/models"],
    ["list secrets", "GET", `${core}/secrets`],
    ["read a secret", "GET", `${core}/secrets/token`],
    ["list the secrets of all namespaces", "GET", "/api/v1/secrets"],
    ["read a config map", "GET", `${core}/configmaps/kube-root-ca.crt`],
    ["make a pod", "POST", `${core}/pods`, { body: named("Pod") }],
    ["run something in a pod", "POST", `${core}/pods/server/exec?command=sh`],
    ["attach to a pod", "POST", `${core}/pods/server/attach`],
    ["reach a port of a pod", "POST", `${core}/pods/server/portforward?ports=1`],
    ["reach a node's own port", "GET", "/api/v1/nodes/node/proxy/pods"],
    ["delete a pod", "DELETE", `${core}/pods/server`],
    ["add a container to a pod", "PATCH", `${core}/pods/server/ephemeralcontainers`, { body: { spec: {} } }],
    ["make a job", "POST", `/apis/batch/v1/namespaces/${namespace}/jobs`, { body: named("Job", "batch/v1") }],
    ["patch a service", "PATCH", `${core}/services/ranker`, { body: { spec: { selector: { a: "b" } } } }],
    ["make a token", "POST", `${core}/serviceaccounts/default/token`, { body: { spec: {} } }],
    ["make a deployment", "POST", `${apps}/deployments`, { body: named("Deployment", "apps/v1") }],
    ["delete a deployment", "DELETE", `${apps}/deployments/ranker`],
    [
      "give itself a role",
      "POST",
      `${RBAC}/namespaces/${namespace}/rolebindings`,
      { body: named("RoleBinding", "rbac.authorization.k8s.io/v1") },
    ],
    [
      "give itself a role everywhere",
      "POST",
      `${RBAC}/clusterrolebindings`,
      { body: named("ClusterRoleBinding", "rbac.authorization.k8s.io/v1") },
    ],
    ["widen its role", "PATCH", `${RBAC}/clusterroles/${role}`, { body: { rules: all } }],
    ["read its role", "GET", `${RBAC}/clusterroles/${role}`],
    [
      "take the policy of routes away",
      "DELETE",
      `${ADMISSION}/validatingadmissionpolicybindings/signalbox-routes`,
    ],
    [
      "change the policy of routes",
      "PATCH",
      `${ADMISSION}/validatingadmissionpolicies/signalbox-routes`,
      { body: { spec: { validations: [{ expression: "true" }] } } },
    ],
    ["list namespaces", "GET", "/api/v1/namespaces"],
    ["delete the namespace", "DELETE", core],
    ["change the labels of the namespace", "PATCH", core, { body: { metadata: { labels: { a: "b" } } } }],
    ["list nodes", "GET", "/api/v1/nodes"],
    ["list resource definitions", "GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"],
    ["ask for a certificate", "GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests"],
    ["list secrets as an administrator", "GET", "/api/v1/secrets", { headers: asAdmin }],
  ];
}

/** Attempts in the shape that `it.each` names: `$what`. */
export const eachAttempt = (attempts: readonly Attempt[]) =>
  attempts.map(([what, method, path, asked = {}]) => ({ what, method, path, asked }));
