// The adapters of the serving journey: artifacts, model servers, and the gateway that obeys the traffic documents.
import { createCheckout } from "../../shared/adapters/local/deploys-checkout.ts";
import type { DeployLimits } from "../../shared/adapters/local/deploys-life.ts";
import { createDeploys } from "../../shared/adapters/local/deploys.ts";
import { createGateway } from "../../shared/adapters/local/gateway.ts";
import type { LocalTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Tls } from "../../shared/runtime/tls.ts";
import { openArtifacts } from "./open-artifacts.ts";
import type { StateFolder } from "./state-folder.ts";

/** What they are made from. */
export interface ServingOptions {
  readonly state: StateFolder;
  /** Folders besides `<state>/artifacts` from which models and datasets may come. */
  readonly artifactRoots: readonly string[];
  /** PATH of model servers. */
  readonly path: string;
  readonly traffic: LocalTraffic;
  /** The gateway serves over TLS with it. */
  readonly tls?: Tls | undefined;
  /** How patient deploys are, where it is not as by default. */
  readonly deployLimits?: Partial<DeployLimits> | undefined;
}

/** Opens them. Nothing is started or listened on yet. */
export function openServing({ state, artifactRoots, path, traffic, deployLimits, tls }: ServingOptions) {
  const artifacts = openArtifacts(state, artifactRoots);
  const checkout = createCheckout({
    repositories: state.path("repos"),
    cache: state.path("checkouts"),
    path,
  });
  // Each needs the other: deploys knows addresses, the gateway knows what is still in flight.
  const deploys = createDeploys({
    directory: state.path("backends"),
    artifacts,
    checkout,
    clock,
    environment: { PATH: path },
    ...(deployLimits === undefined ? {} : { limits: deployLimits }),
    drained: (backend, timeoutMs) => gateway.drained(backend, timeoutMs),
  });
  const gateway = createGateway({ traffic, backends: (backend) => deploys.address(backend), clock, tls });
  return { artifacts, deploys, gateway };
}
