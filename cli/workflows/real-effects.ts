// Effects on the real world: HTTP over the network, with tokens that the person brought; log lines to the terminal.
import { performHttp } from "../../shared/adapters/local/executions-http.ts";
import {
  ACCESS_TOKEN_VARIABLE,
  createWorkflowIdentity,
} from "../../shared/adapters/local/workflow-identity.ts";
import { unknownConnector, type Perform } from "../../workflows/engine/engine.ts";
import { withoutControls } from "./source.ts";

/** Where the identity tokens of a workflow come from when a person runs it. */
export const IDENTITY_TOKEN_VARIABLE = "SIGNALBOX_IDENTITY_TOKEN";

/** What real effects need. */
export interface RealEffects {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes a line of the workflow's log. */
  readonly log: (line: string) => void;
}

/** A driver that carries requests out. */
export function createRealEffects({ env, log }: RealEffects): Perform {
  const identity = createWorkflowIdentity({
    mint: async () => {
      const token = env[IDENTITY_TOKEN_VARIABLE];
      if (token !== undefined && token !== "") return token;
      throw new Error(
        `the environment has no ${IDENTITY_TOKEN_VARIABLE}: set it, for instance with ` +
          `${IDENTITY_TOKEN_VARIABLE}="$(gcloud auth print-identity-token)"`,
      );
    },
    accessToken: () => env[ACCESS_TOKEN_VARIABLE],
  });
  return async (request, signal) => {
    if (request.kind === "log") {
      log(withoutControls(`${request.severity} ${request.payload}`));
      return { kind: "done" };
    }
    if (request.kind === "connector") return unknownConnector(request);
    if (request.kind !== "http") throw new Error(`The engine asked its driver for ${request.kind}.`);
    return performHttp({ identity }, request, signal);
  };
}
