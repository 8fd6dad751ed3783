// Bare requests of a user, for what no adapter of ours would ask.
import { request } from "undici";
import type { KubernetesUser } from "./apiserver.ts";
import type { KubernetesWorld } from "./world.ts";

/** The verbs of HTTP that Kubernetes knows. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What goes with a request. A PATCH is a merge patch. */
export interface Asked {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back, whatever it is. */
export interface Answered {
  readonly http: number;
  readonly body: Record<string, unknown>;
}

/** Asks as this user. */
export async function askAs(
  world: KubernetesWorld,
  user: KubernetesUser,
  method: Method,
  path: string,
  { body, headers = {} }: Asked = {},
): Promise<Answered> {
  const { server, token, dispatcher } = world.access(user);
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const answer = await request(new URL(path, server), {
    method,
    headers: { authorization: `Bearer ${await token()}`, "content-type": type, ...headers },
    ...(dispatcher === undefined ? {} : { dispatcher }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { http: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
}

/** A right as the server counts it. */
export interface Right {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
}

/** What the server says that a user may do in a namespace, but for what everybody may: asking who he is and what he may. */
export async function rightsOf(
  world: KubernetesWorld,
  user: KubernetesUser,
  namespace: string,
): Promise<readonly Right[]> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectRulesReview",
    spec: { namespace },
  };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
  const { body } = await askAs(world, user, "POST", path, { body: review });
  const status = body["status"] as {
    readonly resourceRules: readonly Right[];
    readonly incomplete: boolean;
  };
  if (status.incomplete) throw new Error("The server has not counted all rights.");
  return status.resourceRules.filter(({ resources }) => !resources.every((name) => name.startsWith("self")));
}
