// What each field of `.signalbox.yaml` means, for whoever writes one in an editor.
import { formatDuration } from "./duration.ts";
import { ROLLOUT_POLICY_DEFAULTS } from "./rollout-policy.ts";

/** Words by the path of the field; positions in lists are left out. */
export const CONFIGURATION_WORDS: Readonly<Record<string, string>> = {
  "": "What Signalbox does with this repository. Policy counts from the default branch; a pull request cannot loosen it.",
  version: "Version of this format: 1.",
  allow:
    "What plans may use beyond the built-in provider and local modules. What is not listed is refused before `terraform init`.",
  "allow.providers": "Provider sources, such as registry.terraform.io/hashicorp/google.",
  "allow.provisioners":
    "Types of provisioners, such as local-exec. Each is a program that runs on the machine of the build.",
  "allow.dataSources": "Types of data sources, such as google_project. They are read during a plan.",
  "allow.modules": "Module sources besides local paths, exactly as the modules name them.",
  selfApproval:
    "Whether the author of a change may approve its plan. For a lone user; the check says that it is on.",
  stacks: "Terraform root modules, each with one state.",
  "stacks.name":
    "Name of the stack, as in stacks/<name>. It names the state as well: another name is another state.",
  "stacks.directory": "The root module's folder inside the repository.",
  "stacks.varFiles":
    "Variable files, below the stack's directory, in the order in which Terraform takes them.",
  "stacks.watch":
    "Paths besides the directory and its local modules whose changes are changes of this stack.",
  "stacks.dependsOn":
    "Stacks of this repository that are applied before this one when one merge changes both.",
  "stacks.approvals": "How many people besides the authors must approve a plan that changes something.",
  "stacks.approveAlways": "Whether every change waits for approval. Plans that delete or replace always do.",
  "stacks.terraformVersion":
    "The Terraform that plans and applies, such as 1.11.4; default: the one that is installed.",
  endpoints: "Stable names that users call, behind which versions of a model are rolled out.",
  "endpoints.name": "Name of the endpoint, as in teams/<team>/endpoints/<name>.",
  "endpoints.team": "The team that owns it.",
  "endpoints.serving": "How one version of the model is served.",
  "endpoints.serving.manifests":
    "Folder of Kubernetes manifests, for clusters. They must not hold an HTTPRoute: traffic is Signalbox's.",
  "endpoints.serving.parameters": "Values for the manifests, such as replicas.",
  "endpoints.serving.local": "How to serve on one machine.",
  "endpoints.serving.local.command":
    "The program and its arguments, run without a shell in the manifests' folder, with PORT, MODEL_VERSION and ARTIFACT set.",
  "endpoints.serving.local.readiness": "A path that answers 2xx once the server can serve.",
  "endpoints.standby": "How long the version before stays warm after it has left 100 %.",
  "endpoints.rollout": "How traffic moves to a new version.",
  "endpoints.rollout.onRegistered":
    "What a new version does while a rollout runs: wait its turn, replace the one that runs, or be left alone.",
  "endpoints.rollout.onInconclusive":
    "What happens at the time limit without a verdict: go back, or stay and wait for a person.",
  "endpoints.rollout.advanceOn":
    "Whether a step ends on its minimums alone, or needs a pass. The last one always needs a pass.",
  "endpoints.rollout.steps": "Percent of the traffic that the new version gets, rising, below 100.",
  "endpoints.rollout.step": "What every step needs at least.",
  "endpoints.rollout.step.minSeconds": "Seconds that a step lasts at least.",
  "endpoints.rollout.step.minRequests": "Requests that the new version has answered at least.",
  "endpoints.rollout.timeLimit": "When a rollout without a verdict ends as inconclusive.",
  "endpoints.rollout.standby": "The same as standby of the endpoint; that one wins.",
  "endpoints.rollout.hold":
    "Whether a rollback by judge or timer holds the endpoint until a person resumes it. A person's always does.",
  "endpoints.rollout.judge": "How the evidence is weighed; docs/judge.md has the mathematics.",
  "endpoints.rollout.judge.window": "Length of the windows from which the noise is measured.",
  "endpoints.rollout.judge.look": "Time between two looks at the evidence.",
  "endpoints.rollout.judge.scrape": "Time between two readings of the counters.",
  "endpoints.rollout.judge.errors": "What counts as too many errors.",
  "endpoints.rollout.judge.errors.tolerance":
    "An error rate that never rolls back, and below which a version is good whatever the other does.",
  "endpoints.rollout.judge.errors.margin":
    "How many times the other version's error rate the new one may have before evidence counts against it.",
  "endpoints.rollout.judge.errors.unacceptable":
    "A version that could be this many times worse is not promoted.",
  "endpoints.rollout.judge.errors.passAlpha":
    "Chance of promoting a version that is exactly at the border of the unacceptable.",
  "endpoints.rollout.judge.errors.failAlpha":
    "Chance of rolling back a version that is not worse than margin, in the slow lane.",
  "endpoints.rollout.judge.errors.fastMargin":
    "The margin of the fast lane, which takes counts at face value and needs no windows.",
  "endpoints.rollout.judge.errors.fastAlpha": "The chance of a wrong rollback in the fast lane.",
  "endpoints.rollout.judge.errors.noise":
    "How much an error rate is assumed to wobble from minute to minute (coefficient of variation) until it has been measured.",
};

const { onRegistered, onInconclusive, advanceOn, steps, step, timeLimitMs, standbyMs, hold, judge } =
  ROLLOUT_POLICY_DEFAULTS;

/** What applies where a field is left out, by the same paths. */
export const CONFIGURATION_DEFAULTS: Readonly<Record<string, unknown>> = {
  selfApproval: false,
  "stacks.approvals": 1,
  "stacks.approveAlways": false,
  "endpoints.team": "default",
  "endpoints.serving.local.readiness": "/healthz",
  "endpoints.standby": formatDuration(standbyMs),
  "endpoints.rollout.onRegistered": onRegistered,
  "endpoints.rollout.onInconclusive": onInconclusive,
  "endpoints.rollout.advanceOn": advanceOn,
  "endpoints.rollout.steps": steps,
  "endpoints.rollout.step.minSeconds": step.minSeconds,
  "endpoints.rollout.step.minRequests": step.minRequests,
  "endpoints.rollout.timeLimit": formatDuration(timeLimitMs),
  "endpoints.rollout.standby": formatDuration(standbyMs),
  "endpoints.rollout.hold": hold,
  "endpoints.rollout.judge.window": formatDuration(judge.windowMs),
  "endpoints.rollout.judge.look": formatDuration(judge.lookMs),
  "endpoints.rollout.judge.scrape": formatDuration(judge.scrapeMs),
  ...Object.fromEntries(
    Object.entries(judge.errors).map(([key, value]) => [`endpoints.rollout.judge.errors.${key}`, value]),
  ),
};
