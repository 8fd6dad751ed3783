// What a repository asks of Signalbox, as declared in one `.signalbox.yaml`, gaps filled.
import type { RolloutPolicy } from "./rollout-policy.ts";
import type { ScanPolicy } from "./terraform-blocks.ts";

/** A stack as declared, gaps filled. */
export interface DeclaredStack {
  readonly name: string;
  readonly directory: string;
  readonly varFiles: readonly string[];
  readonly watch: readonly string[];
  readonly dependsOn: readonly string[];
  readonly approvals: number;
  readonly approveAlways: boolean;
  readonly terraformVersion?: string;
}

/** An endpoint as declared, gaps filled. */
export interface DeclaredEndpoint {
  readonly name: string;
  readonly team: string;
  readonly serving: {
    readonly manifests?: string;
    readonly parameters: Readonly<Record<string, string | number | boolean>>;
    readonly local?: { readonly command: readonly string[]; readonly readiness: string };
  };
  readonly standbyMs: number;
  /** The `rollout:` block as written; null when there is none. */
  readonly rollout: unknown;
  readonly policy: RolloutPolicy;
}

/** What one `.signalbox.yaml` says. */
export interface Configuration {
  readonly allow: ScanPolicy;
  readonly selfApproval: boolean;
  readonly stacks: readonly DeclaredStack[];
  readonly endpoints: readonly DeclaredEndpoint[];
}

/** What a repository without the file says: nothing is allowed and nothing is declared. */
export const EMPTY_CONFIGURATION: Configuration = {
  allow: { providers: [], provisioners: [], dataSources: [], modules: [] },
  selfApproval: false,
  stacks: [],
  endpoints: [],
};

/** One thing that is wrong, before its place in the text is known. */
export interface ConfigurationFault {
  readonly at: readonly (string | number)[];
  readonly what: string;
  readonly remedy: string;
}
