// A team's namespace on the real API server with the shipped roles and policy, and a person whom RBAC lets do anything with its routes.
import { randomBytes } from "node:crypto";
import type { KubernetesObject } from "../../../shared/adapters/kubernetes/objects.ts";
import { REPLACED_ANNOTATION } from "../../../shared/adapters/kubernetes/route.ts";
import { createTraffic } from "../../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import type { Traffic } from "../../../shared/ports/traffic.ts";
import { moveTraffic, type MoveOrder } from "../../../shared/runtime/traffic.ts";
import { until } from "../until.ts";
import { type KubernetesUser, userName } from "./apiserver.ts";
import { askAs, type Answered, type Asked, type Method } from "./ask.ts";
import { applyManifest } from "./manifests.ts";
import { type KubernetesWorld, realWorld } from "./world.ts";

const WAIT_MS = 30_000;
const RBAC = "rbac.authorization.k8s.io";
const POLICIES = "/apis/admissionregistration.k8s.io/v1";

/** Names that no other test has. */
export interface PolicyPlace {
  readonly suffix: string;
  readonly namespacePrefix: string;
  /** The path of the team's routes. */
  readonly routes: string;
  /** The path of the route that the policy protects. */
  readonly ranker: string;
  /** The path of the binding, which people delete in an emergency. */
  readonly binding: string;
}

/** What a test of the policy is done with. */
export interface PolicyWorld {
  readonly world: KubernetesWorld;
  trafficAs(user: KubernetesUser): Traffic;
  ask(user: KubernetesUser, method: Method, path: string, asked?: Asked): Promise<Answered>;
  /** Applies the policy, as it was at first and after an emergency. */
  apply(): Promise<void>;
  /** Waits until a write of a person is answered with this status, as the server learns of policies with some delay. */
  untilStrangerGets(http: number): Promise<void>;
}

/** Version `id` of the model of an endpoint. */
export const versionOf = (endpoint: string, id: number): string =>
  `${endpoint.replace("endpoints", "models")}/versions/${id}`;

/** The order that moves an endpoint from an epoch to the next version. */
export const orderOf = (endpoint: string, epoch: number): MoveOrder => ({
  endpoint,
  kind: epoch === 0 ? "first" : "advance",
  to: { [versionOf(endpoint, epoch + 1)]: 100 },
  cause: `cause-${epoch + 1}`,
  actor: "ada",
  reason: "rollout",
  expectedEpoch: epoch,
});

async function letEditRoutes(world: KubernetesWorld, user: KubernetesUser, namespace: string): Promise<void> {
  const name = "edit-routes";
  const meta = { apiVersion: `${RBAC}/v1`, metadata: { name, namespace } };
  const role = { rules: [{ apiGroups: ["gateway.networking.k8s.io"], resources: ["*"], verbs: ["*"] }] };
  const subjects = [{ apiGroup: RBAC, kind: "User", name: userName(user) }];
  const binding = { subjects, roleRef: { apiGroup: RBAC, kind: "Role", name } };
  const path = `/apis/${RBAC}/v1/namespaces/${namespace}`;
  await askAs(world, "admin", "POST", `${path}/roles`, { body: { ...meta, kind: "Role", ...role } });
  await askAs(world, "admin", "POST", `${path}/rolebindings`, {
    body: { ...meta, kind: "RoleBinding", ...binding },
  });
}

/** The policy under a name of this test, bound to its namespaces: others write routes on the same server as they like. */
function narrowed(suffix: string, values: readonly string[]): (object: KubernetesObject) => KubernetesObject {
  const matchExpressions = [{ key: "kubernetes.io/metadata.name", operator: "In", values }];
  return (object) => {
    const { spec, ...rest } = object as KubernetesObject & { readonly spec: object };
    const isBinding = object.kind === "ValidatingAdmissionPolicyBinding";
    const name = `${object.metadata.name}-${suffix}`;
    const bound = { policyName: name, matchResources: { namespaceSelector: { matchExpressions } } };
    const changed = { ...rest, metadata: { ...object.metadata, name } };
    return { ...changed, spec: isBinding ? { ...spec, ...bound } : spec } as KubernetesObject;
  };
}

/** Where a test file tries the policy. */
export function policyPlace(): PolicyPlace {
  const suffix = randomBytes(4).toString("hex");
  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/p${suffix}-search/httproutes`;
  return {
    suffix,
    namespacePrefix: `p${suffix}-`,
    routes,
    ranker: `${routes}/ranker`,
    binding: `${POLICIES}/validatingadmissionpolicybindings/signalbox-routes-${suffix}`,
  };
}

/** Applies what ships, for two teams; `teams/search/endpoints/ranker` has a route. */
export async function policyWorld({ suffix, namespacePrefix, ranker }: PolicyPlace): Promise<PolicyWorld> {
  const world = await realWorld();
  const namespaces = ["search", "default"].map((team) => `${namespacePrefix}${team}`);
  const admin = world.client();
  const identities = { ROLLBACK_IDENTITY: userName("rollback"), ROLLOUT_IDENTITY: userName("rollout") };

  const trafficAs = (user: KubernetesUser): Traffic =>
    createTraffic({
      client: world.client(user),
      placement: { namespacePrefix, gateway: { namespace: "gateways", name: "models" }, backendPort: 8080 },
      drifted: () => undefined,
    });
  const untilStrangerGets = async (http: number): Promise<void> => {
    const body = { metadata: { annotations: { [REPLACED_ANNOTATION]: "1" } } };
    await until(
      `the policy to answer ${http}`,
      async () => {
        const answer = await askAs(world, "stranger", "PATCH", `${ranker}?dryRun=All`, { body });
        return answer.http === http ? true : undefined;
      },
      WAIT_MS,
    );
  };

  await applyManifest(admin, "roles.yaml");
  for (const TEAM_NAMESPACE of namespaces)
    await applyManifest(admin, "team.yaml", { TEAM_NAMESPACE, ...identities });
  await letEditRoutes(world, "stranger", `${namespacePrefix}search`);
  const values = { TEAM_NAMESPACE_PREFIX: namespacePrefix, ...identities };
  const apply = async (): Promise<void> => {
    await applyManifest(admin, "policy.yaml", values, narrowed(suffix, namespaces));
  };
  await apply();
  await moveTraffic({ traffic: trafficAs("rollout"), clock }, orderOf("teams/search/endpoints/ranker", 0));
  await untilStrangerGets(403);
  return {
    world,
    apply,
    trafficAs,
    ask: (user, method, path, asked) => askAs(world, user, method, path, asked),
    untilStrangerGets,
  };
}
