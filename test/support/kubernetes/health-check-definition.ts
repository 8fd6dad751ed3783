// The definition of HealthCheckPolicy as far as Signalbox writes it, made from the published reference of networking.gke.io/v1
// (https://googlecloudplatform.github.io/gke-gateway-api): a cluster of GKE brings the whole of it.

const whole = (maximum: number) => ({ type: "integer", minimum: 1, maximum }) as const;
const port = {
  portSpecification: { type: "string", enum: ["USE_FIXED_PORT", "USE_NAMED_PORT", "USE_SERVING_PORT"] },
  port: whole(65_535),
} as const;
const http = {
  type: "object",
  properties: {
    ...port,
    requestPath: { type: "string", maxLength: 2048, pattern: "\\/[A-Za-z0-9\\/\\-._~%!?$&'()*+,;=:]*$" },
  },
} as const;

const spec = {
  type: "object",
  required: ["targetRef"],
  properties: {
    default: {
      type: "object",
      properties: {
        checkIntervalSec: whole(300),
        timeoutSec: whole(300),
        healthyThreshold: whole(10),
        unhealthyThreshold: whole(10),
        config: {
          type: "object",
          minProperties: 2,
          maxProperties: 2,
          required: ["type"],
          properties: {
            type: { type: "string", enum: ["TCP", "HTTP", "HTTPS", "HTTP2", "GRPC"] },
            httpHealthCheck: http,
            httpsHealthCheck: http,
            tcpHealthCheck: { type: "object", properties: port },
            grpcHealthCheck: {
              type: "object",
              properties: { ...port, grpcServiceName: { type: "string", maxLength: 1024 } },
            },
          },
        },
      },
    },
    targetRef: {
      type: "object",
      required: ["group", "kind", "name"],
      properties: { group: { type: "string" }, kind: { type: "string" }, name: { type: "string" } },
    },
  },
} as const;

/** Where a cluster keeps the definition. */
export const HEALTH_CHECK_DEFINITION_PATH =
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/healthcheckpolicies.networking.gke.io";

/** The definition. */
export const HEALTH_CHECK_DEFINITION = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "healthcheckpolicies.networking.gke.io" },
  spec: {
    group: "networking.gke.io",
    scope: "Namespaced",
    names: { kind: "HealthCheckPolicy", plural: "healthcheckpolicies", singular: "healthcheckpolicy" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
      },
    ],
  },
} as const;
