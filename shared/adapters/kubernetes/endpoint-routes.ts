// Routes are made by whoever puts backends behind them: the API, which moves traffic, may change routes and make none.
import { EMPTY_TRAFFIC } from "../../domain/traffic.ts";
import type { Deploys } from "../../ports/deploys.ts";
import type { Traffic } from "../../ports/traffic.ts";

/** The same deploys; before a backend is prepared, its endpoint has a route, at first without a backend. */
export function withRoutes(deploys: Deploys, traffic: Pick<Traffic, "read" | "write">): Deploys {
  return {
    ...deploys,
    async prepare(request) {
      // Whoever else makes it at the same time makes the same: a conflict is no failure.
      if ((await traffic.read(request.endpoint)) === undefined)
        await traffic.write(request.endpoint, EMPTY_TRAFFIC);
      return deploys.prepare(request);
    },
  };
}
