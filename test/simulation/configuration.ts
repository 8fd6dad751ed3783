// What the simulated repository's `.signalbox.yaml` says.
import type { Shape } from "./shape.ts";

/** What the configuration says at one commit. */
export interface Settings {
  readonly webApprovals: number;
  readonly onInconclusive: "rollback" | "hold";
}

const stacks = ({ webApprovals }: Settings): string => `stacks:
  - { name: web, directory: stacks/web, approvals: ${webApprovals}, approveAlways: true }
  - { name: db, directory: stacks/db, approvals: 0, approveAlways: false, dependsOn: [web] }
`;

const endpoints = ({ onInconclusive }: Settings): string => `endpoints:
  - name: ranker
    team: default
    serving:
      local: { command: [node, server.mjs], readiness: /healthz }
    standby: 10s
    rollout:
      onRegistered: queue
      onInconclusive: ${onInconclusive}
      steps: [5, 50]
      step: { minSeconds: 3, minRequests: 40 }
      timeLimit: 30s
      judge:
        window: 1s
        look: 2s
        scrape: 1s
        errors: { tolerance: 0.01, margin: 1.25, unacceptable: 2 }
`;

/** `.signalbox.yaml`: stacks and endpoints as far as they take part in the history. */
export function configuration(
  settings: Settings,
  { provisioning, serving }: Pick<Shape, "provisioning" | "serving">,
): string {
  return `version: 1\n${provisioning ? stacks(settings) : ""}${serving ? endpoints(settings) : ""}`;
}
