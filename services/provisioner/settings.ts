// A stack's configuration in the form in which facts keep it.
import type { FactData } from "../../shared/domain/facts.ts";
import type { ResolvedStack } from "../../shared/domain/resolved-configuration.ts";

/** What decides about plans of a stack, without its name and place in time. */
export function stackSettings(stack: ResolvedStack): FactData<"plan.requested">["settings"] {
  const {
    directory,
    varFiles,
    watch,
    dependsOn,
    approvals,
    approveAlways,
    selfApproval,
    terraformVersion,
    allow,
    configDigest,
  } = stack;
  return {
    directory,
    varFiles: [...varFiles],
    watch: [...watch],
    dependsOn: [...dependsOn],
    approvals,
    approveAlways,
    selfApproval,
    ...(terraformVersion === undefined ? {} : { terraformVersion }),
    allow: {
      providers: [...allow.providers],
      provisioners: [...allow.provisioners],
      dataSources: [...allow.dataSources],
      modules: [...allow.modules],
    },
    configDigest,
  };
}
