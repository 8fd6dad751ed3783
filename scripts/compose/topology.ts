// Reads terraform/services.yaml and holds the services to it: nobody subscribes to what the topology does not say, and the image has the
// program of every job.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { PACKAGE_ROOT } from "./shipped.ts";

/** One service as the topology has it. */
export interface ServiceEntry {
  readonly kind: "http" | "facts" | "schedule";
  readonly subscribes: readonly string[];
  readonly secrets?: readonly string[];
  /** Topics of Google's own. */
  readonly hints?: readonly string[];
  /** Path → cron expression. */
  readonly schedules?: Readonly<Record<string, string>>;
}

/** One job as the topology has it. */
export interface JobEntry {
  readonly roles: readonly string[];
  readonly timeoutSeconds: number;
  readonly retriesMax: number;
}

interface Topology {
  readonly services: Readonly<Record<string, ServiceEntry>>;
  readonly jobs: Readonly<Record<string, JobEntry>>;
}

function read(): Topology {
  const text = readFileSync(join(PACKAGE_ROOT, "terraform/services.yaml"), "utf8");
  // The image has it as JSON.
  return (text.startsWith("{") ? JSON.parse(text) : parse(text)) as Topology;
}

/** Service name → entry. */
export const readTopology = (): Readonly<Record<string, ServiceEntry>> => read().services;

/** Job name → entry. */
export const readJobs = (): Readonly<Record<string, JobEntry>> => read().jobs;

/** The service with the inputs that the topology gives it; refuses one whose own list says otherwise. */
export function subscribed(
  topology: Readonly<Record<string, ServiceEntry>>,
  service: FactService,
): FactService {
  const entry = topology[service.name];
  const wanted = [...service.inputs].toSorted().join(" ");
  const given = [...(entry?.subscribes ?? [])].toSorted().join(" ");
  if (entry === undefined || wanted !== given) {
    throw new Error(
      `terraform/services.yaml and the service ${service.name} disagree about what it subscribes to:\n  file: ${given}\n  code: ${wanted}`,
    );
  }
  return service;
}
