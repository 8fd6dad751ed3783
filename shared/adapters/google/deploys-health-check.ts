// The load balancer's health check of a release. A Gateway of GKE asks every pod itself, GET / without any other word, and sends nothing to one
// that does not answer 200: a model server that answers elsewhere would never get a request. So the check is made from the
// readiness probe, unless the folder brings a HealthCheckPolicy of its own.
// Fields: https://googlecloudplatform.github.io/gke-gateway-api (networking.gke.io/v1).
import { fields, list, type Manifest } from "./deploys-template.ts";

/** What Kubernetes assumes of a probe that does not say (Probe v1 core). */
const PROBE = { periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 } as const;
/** Longest pause between two health checks, in seconds. */
export const HEALTH_CHECK_INTERVAL_SECONDS_MAX = 300;
/** Most answers in a row that decide how a backend stands. */
export const HEALTH_CHECK_THRESHOLD_MAX = 10;
/** Paths that a health check may ask for. */
const REQUEST_PATH = /^\/[A-Za-z0-9/\-._~%!?$&'()*+,;=:]{0,2047}$/;

type Fields = Readonly<Record<string, unknown>>;

const within = (value: unknown, otherwise: number, most: number): number =>
  Math.max(1, Math.min(Number.isInteger(value) ? (value as number) : otherwise, most));

/** The number of a port of this container, which a probe may call by its name. */
function portOf(container: Fields, port: unknown): number | undefined {
  const named = list(container["ports"]).find((each) => fields(each)["name"] === port);
  const number = typeof port === "string" ? fields(named)["containerPort"] : port;
  return typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= 65_535
    ? number
    : undefined;
}

const fixed = (port: number) => ({ portSpecification: "USE_FIXED_PORT", port });

/** The probe as a check of the load balancer's; undefined for one that it cannot make, such as a command. */
function checkOf(container: Fields, probe: Fields): Fields | undefined {
  const [httpGet, grpc, tcp] = [fields(probe["httpGet"]), fields(probe["grpc"]), fields(probe["tcpSocket"])];
  const port = portOf(container, httpGet["port"] ?? grpc["port"] ?? tcp["port"]);
  if (port === undefined) return undefined;
  if (httpGet["port"] !== undefined) {
    const requestPath = httpGet["path"] ?? "/";
    if (typeof requestPath !== "string" || !REQUEST_PATH.test(requestPath)) return undefined;
    const check = { ...fixed(port), requestPath };
    return httpGet["scheme"] === "HTTPS"
      ? { type: "HTTPS", httpsHealthCheck: check }
      : { type: "HTTP", httpHealthCheck: check };
  }
  if (grpc["port"] === undefined) return { type: "TCP", tcpHealthCheck: fixed(port) };
  const { service } = grpc;
  const named = typeof service === "string" && service !== "" ? { grpcServiceName: service } : {};
  return { type: "GRPC", grpcHealthCheck: { ...fixed(port), ...named } };
}

/** The health check that the readiness probe of this Deployment asks for; undefined where it has none that a load balancer can make. */
export function healthCheckOf(deployment: Manifest): Manifest | undefined {
  const pod = fields(fields(fields(deployment.spec)["template"])["spec"]);
  for (const container of list(pod["containers"]).map(fields)) {
    const probe = fields(container["readinessProbe"]);
    const config = checkOf(container, probe);
    if (config === undefined) continue;
    const { periodSeconds, timeoutSeconds, successThreshold, failureThreshold } = probe;
    const interval = within(periodSeconds, PROBE.periodSeconds, HEALTH_CHECK_INTERVAL_SECONDS_MAX);
    const spec = {
      default: {
        checkIntervalSec: interval,
        timeoutSec: within(timeoutSeconds, PROBE.timeoutSeconds, interval),
        healthyThreshold: within(successThreshold, PROBE.successThreshold, HEALTH_CHECK_THRESHOLD_MAX),
        unhealthyThreshold: within(failureThreshold, PROBE.failureThreshold, HEALTH_CHECK_THRESHOLD_MAX),
        config,
      },
    };
    return { apiVersion: "networking.gke.io/v1", kind: "HealthCheckPolicy", spec };
  }
  return undefined;
}
