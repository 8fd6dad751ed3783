// Reads terraform/services.yaml and holds the services to it: nobody subscribes to what the topology does not say.
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

/** Service name → entry. */
export function readTopology(): Readonly<Record<string, ServiceEntry>> {
  const text = readFileSync(join(PACKAGE_ROOT, "terraform/services.yaml"), "utf8");
  return (parse(text) as { services: Record<string, ServiceEntry> }).services;
}

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
