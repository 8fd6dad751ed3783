// The manifests that ship, applied as `envsubst … | kubectl apply -f -` would.
import { parseAllDocuments } from "yaml";
import type { KubernetesClient } from "../../../shared/adapters/kubernetes/client.ts";
import type { KubernetesObject } from "../../../shared/adapters/kubernetes/objects.ts";
import { readSource } from "../source-files.ts";

const COLLECTIONS: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  Gateway: "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways",
  RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
  ValidatingAdmissionPolicy: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
};

/** Applies `deploy/kubernetes/<file>` with these values in the places of its names; `changed` is for what would reach other tests. */
export async function applyManifest(
  client: KubernetesClient,
  file: string,
  values: Readonly<Record<string, string>> = {},
  changed: (object: KubernetesObject) => KubernetesObject = (object) => object,
): Promise<void> {
  const text = readSource(`deploy/kubernetes/${file}`)
    .replaceAll(/^\s*#.*$/gm, "")
    .replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${file} asks for ${name}`);
      return value;
    });
  for (const document of parseAllDocuments(text)) {
    const object = changed(document.toJS() as KubernetesObject);
    const collection = COLLECTIONS[object.kind];
    if (collection === undefined) throw new Error(`${file} holds a ${object.kind}`);
    const path = collection.replace("{namespace}", object.metadata.namespace ?? "");
    await client.apply(`${path}/${object.metadata.name}`, object, "tests");
  }
}
