// What lies there costs, although nothing happens: list prices of us-central1 without discounts, for resources of a Terraform plan.

/** Hours of a month, as Google's price pages count them. */
const HOURS = 730;
const SECONDS = HOURS * 3_600;
/** One call of a service that finds nothing to do: 100 ms of one processor and half a gibibyte, and the call itself. */
const IDLE_CALL_USD = 0.1 * 0.000024 + 0.1 * 0.5 * 0.0000025 + 0.4e-6;
/** Empty queries of one look of a reconciler; each is billed as one read. The emulated tour counted 3.2 (bench/cost.ts). */
const READS_PER_LOOK = 4;
const READ_USD = 0.03 / 100_000;

/** A resource of a plan, as far as it is known before. */
export interface PricedResource {
  readonly address: string;
  readonly type: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** One line of the table. */
export interface IdleCost {
  readonly item: string;
  readonly count: number;
  /** At list price. */
  readonly usd: number;
  /** With what every account or project has free. */
  readonly usdAfterFree: number;
  readonly price: string;
}

interface Price {
  readonly item: string;
  readonly price: string;
  /** How many of the item a resource is. */
  count(resource: PricedResource): number;
  readonly usd: number;
  readonly free?: number;
}

const each =
  (type: string) =>
  (resource: PricedResource): number =>
    resource.type === type ? 1 : 0;

/** How often a month an expression such as `* * * * *` or `*\/5 * * * *` is due. */
export function callsPerMonth(cron: string): number {
  const [minute = "", hour = ""] = cron.split(" ");
  const every = /^\*(?:\/(\d+))?$/.exec(minute);
  if (every === null || hour !== "*")
    throw new Error(`${cron} is no expression of minutes: price it by hand.`);
  return (HOURS * 60) / Number(every[1] ?? 1);
}

function warmInstances({ type, values }: PricedResource): number {
  if (type !== "google_cloud_run_v2_service") return 0;
  const [template] = values["template"] as { scaling?: { min_instance_count?: number }[] }[];
  return template?.scaling?.[0]?.min_instance_count ?? 0;
}

function pipelineOfSeveralTargets({ type, values }: PricedResource): number {
  if (type !== "google_clouddeploy_delivery_pipeline") return 0;
  const [serial] = values["serial_pipeline"] as { stages: readonly unknown[] }[];
  return (serial?.stages.length ?? 0) > 1 ? 1 : 0;
}

const calls = ({ type, values }: PricedResource): number =>
  type === "google_cloud_scheduler_job" ? callsPerMonth(String(values["schedule"])) : 0;

/** Types that are not here cost nothing by their presence: they are paid for by use, such as a job by the seconds of its runs, or not at all. */
const PRICES: readonly Price[] = [
  {
    item: "Scheduler jobs",
    price: "$0.10 each, 3 free an account",
    count: each("google_cloud_scheduler_job"),
    usd: 0.1,
    free: 3,
  },
  {
    item: "calls of the clock",
    price: "request-based Cloud Run, 100 ms each; 2 M free",
    count: calls,
    usd: IDLE_CALL_USD,
    free: 2_000_000,
  },
  {
    item: "reads of those calls",
    price: "$0.03 per 100,000; 50,000 a day free",
    count: (resource) => READS_PER_LOOK * calls(resource),
    usd: READ_USD,
    free: 50_000 * 30,
  },
  {
    item: "Secret versions",
    price: "$0.06 each, 6 free an account",
    count: each("google_secret_manager_secret"),
    usd: 0.06,
    free: 6,
  },
  {
    item: "images (1 GiB assumed)",
    price: "$0.10 a GiB, half a GiB free",
    count: each("google_artifact_registry_repository"),
    usd: 0.1,
    free: 0.5,
  },
  {
    item: "instances kept warm",
    price: "$0.0000025 a vCPU-second and GiB-second, 1 vCPU, 0.5 GiB",
    count: warmInstances,
    usd: SECONDS * 1.5 * 0.0000025,
  },
  {
    item: "key that signs images",
    price: "$0.06 a version",
    count: each("google_kms_crypto_key"),
    usd: 0.06,
  },
  {
    item: "conditions of alerts",
    price: "$0.10 each (announced for 2026: verify)",
    count: each("google_monitoring_alert_policy"),
    usd: 0.1,
  },
  {
    item: "delivery pipelines of several targets",
    price: "$5 each, one free a billing account; those of one target cost nothing",
    count: pipelineOfSeveralTargets,
    usd: 5,
    free: 1,
  },
  {
    item: "load balancer",
    price: "$0.025 an hour for the first rules",
    count: each("google_compute_global_forwarding_rule"),
    usd: 0.025 * HOURS,
  },
  {
    item: "Cloud Armor policy, two rules",
    price: "$5 and $1 a rule",
    count: each("google_compute_security_policy"),
    usd: 7,
  },
  {
    item: "address of NAT",
    price: "$0.005 an hour",
    count: each("google_compute_router_nat"),
    usd: 0.005 * HOURS,
  },
  { item: "private DNS zones", price: "$0.20 each", count: each("google_dns_managed_zone"), usd: 0.2 },
  {
    item: "GKE cluster",
    price: "$0.10 an hour; one free a billing account",
    count: each("google_container_cluster"),
    usd: 0.1 * HOURS,
    free: 1,
  },
];

/** The table of a plan: what is there and costs, in the order of the price list. */
export function idleCosts(resources: readonly PricedResource[]): readonly IdleCost[] {
  return PRICES.flatMap(({ item, price, count: countOf, usd, free = 0 }) => {
    const count = resources.reduce((sum, resource) => sum + countOf(resource), 0);
    if (count === 0) return [];
    return [{ item, count, usd: count * usd, usdAfterFree: Math.max(0, count - free) * usd, price }];
  });
}

/** What a table adds up to. */
export function totalOf(costs: readonly IdleCost[]): { readonly usd: number; readonly usdAfterFree: number } {
  return {
    usd: costs.reduce((sum, { usd }) => sum + usd, 0),
    usdAfterFree: costs.reduce((sum, { usdAfterFree }) => sum + usdAfterFree, 0),
  };
}
