// What tests of the policy try to write.
import { HTTP_ROUTES } from "../../../shared/adapters/kubernetes/objects.ts";
import type { Asked } from "./ask.ts";

/** The label of what Signalbox manages. */
export const OURS = { "app.kubernetes.io/managed-by": "signalbox" };
/** Backends of somebody else. */
export const backendRefs = [{ name: "theirs", port: 80, weight: 1 }];
/** An owner of somebody else. */
export const owner = {
  apiVersion: "v1",
  kind: "ConfigMap",
  name: "theirs",
  uid: "00000000-0000-4000-8000-000000000000",
};
/** A route with this name and metadata. */
export const route = (name: string, metadata: object): Asked => ({
  body: {
    apiVersion: HTTP_ROUTES.apiVersion,
    kind: "HTTPRoute",
    metadata: { name, ...metadata },
    spec: { rules: [{ backendRefs }] },
  },
});
/** A change of one label; null takes it away. */
export const label = (key: string, value: string | null): Asked => ({
  body: { metadata: { labels: { [key]: value } } },
});
