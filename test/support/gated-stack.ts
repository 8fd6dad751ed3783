// A stack whose apply waits inside a provisioner until the test opens a gate, and counts how often it got there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer, Caller } from "./caller.ts";
import { until } from "./until.ts";

/** Provisioners that the configuration must allow. */
export const ALLOW_LOCAL_EXEC = "allow: { provisioners: [local-exec] }";

/** The `stacks:` block with one stack whose reviewed plans nobody has to approve. */
export const UNATTENDED_STACK =
  "stacks:\n  - name: site\n    directory: stacks/site\n    approvals: 0\n    approveAlways: false";

/** The name of that stack. */
export const STACK = "stacks/site";

/** A gate in a folder. */
export interface Gate {
  /** Terraform text with a resource whose provisioner waits at the gate. */
  readonly terraform: string;
  open(): void;
  /** How often the provisioner began and ended. */
  passed(): { readonly begun: number; readonly done: number };
}

/** Makes a gate; `name` is the resource's, `first` a shell command before it. */
export function createGate(folder: string, name = "slow", first = "true"): Gate {
  const effects = join(folder, `${name}.effects`);
  const key = join(folder, `${name}.open`);
  const command = `${first}; echo begun >> ${effects}; until [ -e ${key} ]; do sleep 0.05; done; echo done >> ${effects}`;
  const count = (word: string): number =>
    existsSync(effects)
      ? readFileSync(effects, "utf8")
          .split("\n")
          .filter((line) => line === word).length
      : 0;
  return {
    terraform: `resource "terraform_data" "${name}" {
  input = "${name}"
  provisioner "local-exec" {
    command = ${JSON.stringify(command)}
  }
}
`,
    open: () => writeFileSync(key, ""),
    passed: () => ({ begun: count("begun"), done: count("done") }),
  };
}

/** Terraform text without anything slow. */
export const plainTerraform = (value: string): string =>
  `resource "terraform_data" "plain" {\n  input = "${value}"\n}\n`;

/** Approves, as an operator, every plan of the stack that waits for it: what is merged without a review does. */
export async function approveWaiting(api: Caller): Promise<void> {
  for (const plan of await api.list(`/v1/${STACK}/plans`)) {
    if (plan["state"] !== "WAITING_FOR_APPROVAL") continue;
    await api.post(`/v1/${String(plan["name"])}:approve`, { digest: plan["digest"] }, "grace");
  }
}

/** Waits until the applies of the stack are as wanted, approving what waits. */
export function appliesUntil(
  what: string,
  api: () => Caller,
  wanted: (applies: readonly Answer[]) => boolean,
): Promise<readonly Answer[]> {
  return until(what, async () => {
    await approveWaiting(api());
    const applies = await api().list(`/v1/${STACK}/applies`);
    return wanted(applies) ? applies : undefined;
  });
}
