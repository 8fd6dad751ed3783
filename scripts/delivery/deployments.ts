// Which Cloud Run services there are: one for each service of the topology, and one for each further door of it. The rule is that of
// terraform/modules/topology, which makes them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { PACKAGE_ROOT } from "../compose/shipped.ts";

/** One Cloud Run service. */
export interface Deployment {
  /** Its name behind the prefix of the environment. */
  readonly key: string;
  /** The service that it runs: the argument of the image. */
  readonly service: string;
}

interface Entry {
  readonly doors?: readonly string[];
}

/** The Cloud Run services of the topology, by name. */
export function deployments(): readonly Deployment[] {
  const text = readFileSync(join(PACKAGE_ROOT, "terraform/services.yaml"), "utf8");
  const { services } = parse(text) as { services: Readonly<Record<string, Entry>> };
  return Object.entries(services)
    .flatMap(([service, { doors = [] }]) =>
      (doors.length === 0 ? [""] : doors).map((door) => ({
        key: door === "programs" ? `${service}-programs` : service,
        service,
      })),
    )
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
}
