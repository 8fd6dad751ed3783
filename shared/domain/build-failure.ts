// Why a build did not do its work, and what a person does next. The list of reasons is the port's (ports/builds.ts).

/** Reason → headline and next step. */
export const BUILD_FAILURES = {
  FETCH_FAILED: {
    title: "The commit could not be fetched",
    nextStep: "Check that the commit is still in the repository, then push again.",
  },
  SCAN_REFUSED: {
    title: "The stack uses what it may not use",
    nextStep:
      "Correct the places listed here, or ask a maintainer to extend `allow` in .signalbox.yaml on the base branch.",
  },
  TERRAFORM_MISSING: {
    title: "Terraform is not installed",
    nextStep:
      "Install Terraform 1.9 or newer on the machine that runs Signalbox, then ask for the plan again.",
  },
  TERRAFORM_VERSION: {
    title: "This is not the Terraform that the stack asks for",
    nextStep: "Install the version that the message names, or change the constraint.",
  },
  PARSE_FAILED: {
    title: "Terraform cannot read the configuration",
    nextStep: "Correct the places listed here and push again; `terraform validate` shows the same.",
  },
  INIT_FAILED: {
    title: "terraform init failed",
    nextStep: "Read the log; if the lock file does not fit, run `terraform init` locally and commit it.",
  },
  PLAN_FAILED: {
    title: "terraform plan failed",
    nextStep: "Read the message and the log, correct the configuration and push again.",
  },
  APPLY_FAILED: {
    title: "terraform apply failed",
    nextStep: "Read which resource failed, correct it in a new pull request; what was made before it stays.",
  },
  STALE_STATE: {
    title: "The state has changed since the plan was made",
    nextStep: "Nothing: a new plan is made. If it means the same it goes on, else it waits for approval.",
  },
  LOCK_TIMEOUT: {
    title: "The state is locked by someone else",
    nextStep: "Wait until the other run has ended, then merge or plan again.",
  },
  TIMED_OUT: {
    title: "The time limit was reached",
    nextStep: "Look which resource took so long, then make it quicker or split the stack.",
  },
  CANCELLED: {
    title: "The build was cancelled",
    nextStep: "Ask for a new plan when you want to go on.",
  },
  INTERRUPTED: {
    title: "The build ended without a result",
    nextStep: "Look at the resources listed here before the stack goes on, then run `signalbox unblock`.",
  },
  DUPLICATE_BUILD: {
    title: "The same build runs already",
    nextStep: "Nothing: the first one goes on.",
  },
  INTERNAL: {
    title: "The build program failed",
    nextStep: "Read the log; if it names no cause of yours, report it with the build's id.",
  },
} as const satisfies Record<string, { readonly title: string; readonly nextStep: string }>;

/** A reason of the list. */
export type BuildFailureName = keyof typeof BUILD_FAILURES;

/** Whether a text is a reason of the list. */
export function isBuildFailure(reason: string): reason is BuildFailureName {
  return Object.hasOwn(BUILD_FAILURES, reason);
}
