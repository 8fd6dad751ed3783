// The Gateway that ships is the one that services are told of, and takes routes from the namespaces of teams.
import { expect, onTestFinished, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../../shared/adapters/kubernetes/objects.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { applyManifest } from "../../support/kubernetes/manifests.ts";
import { realWorld } from "../../support/kubernetes/world.ts";
import { readSource } from "../../support/source-files.ts";

interface Gateway extends KubernetesObject {
  readonly spec: {
    readonly listeners: readonly {
      readonly allowedRoutes: {
        readonly namespaces: { readonly selector: { readonly matchLabels: Record<string, string> } };
      };
    }[];
  };
}

const shipped = (file: string): readonly KubernetesObject[] =>
  parseAllDocuments(readSource(`deploy/kubernetes/${file}`)).map(
    (document) => document.toJS() as KubernetesObject,
  );

test("it bears the name that Terraform tells the services by default", () => {
  const gateway = shipped("gateway.yaml").find(({ kind }) => kind === "Gateway");
  const { namespace, name } = gateway?.metadata ?? {};
  const [, told] =
    /variable "gateway" \{[^}]*default\s+= "([^"]+)"/.exec(
      readSource("terraform/control-plane/variables.tf"),
    ) ?? [];
  expect(`${namespace}/${name}`).toBe(told);
});

test("it takes routes from the namespaces that team.yaml makes", () => {
  const gateway = shipped("gateway.yaml").find(({ kind }) => kind === "Gateway") as Gateway | undefined;
  const team = shipped("team.yaml").find(({ kind }) => kind === "Namespace");
  const { matchLabels } = gateway?.spec.listeners[0]?.allowedRoutes.namespaces.selector ?? {};
  expect(matchLabels).toBeDefined();
  expect(team?.metadata.labels).toMatchObject(matchLabels ?? {});
});

test.skipIf(KUBERNETES_MISSING)(
  `${KUBERNETES_NOTE}a real API server takes it`,
  { timeout: KUBERNETES_START_MS },
  async () => {
    const world = await realWorld();
    onTestFinished(() => world.close());
    const admin = world.client();
    await applyManifest(admin, "gateway.yaml", { GATEWAY_CLASS: "gke-l7-rilb" });
    const path = "/apis/gateway.networking.k8s.io/v1/namespaces/signalbox-gateways/gateways/models";
    expect(await admin.get(path)).toMatchObject({ spec: { gatewayClassName: "gke-l7-rilb" } });
  },
);
