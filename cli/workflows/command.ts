// `signalbox workflows …`: check, run, test, cost and graph, on this machine and without a control plane.
import { type Command, InvalidArgumentError } from "commander";
import { parseTree } from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";
import type { CommandContext, GlobalOptions } from "../output.ts";
import { checkFiles } from "./check-command.ts";
import { costOf, type CostFlags } from "./cost-command.ts";
import { mermaidOf } from "./graph.ts";
import { runFile, type RunFlags, type RunWorld } from "./run-command.ts";
import { formatProblems, readText, withoutControls } from "./source.ts";
import { testFiles } from "./test-command.ts";

const EXAMPLES = `
Examples:
  $ signalbox workflows check workflows/*.yaml             what production would refuse, all of it at once
  $ signalbox workflows run hello.yaml --args '{"name": "Ada"}'
  $ signalbox workflows run canary.yaml --args @args.json --virtual-time --trace
  $ signalbox workflows test workflows/canary.yaml         its cases, in workflows/canary.cases.yaml
  $ signalbox workflows cost workflows/canary.yaml --executions 5000
  $ signalbox workflows graph canary.yaml > canary.mmd

Files are in the language of Cloud Workflows, YAML or JSON. Nothing here needs a control plane or a cloud.
Exit codes: 0 done, 1 problems, a failed case or a failed run, 2 usage, 3 a file is missing. --json answers for programs.
workflows/engine/README.md tells in one page how to test a workflow; examples/workflows has ten.`;

const isJson = (command: Command): boolean => command.optsWithGlobals<GlobalOptions>().json ?? false;

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("Write a number that is not negative.");
  return value;
}

function percentage(text: string): number {
  const value = number(text);
  if (value > 100) throw new InvalidArgumentError("Write a number from 0 to 100.");
  return value;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** The options that decide how a workflow runs. */
function withRunOptions(command: Command): Command {
  return command
    .option("--args <json>", "the argument: JSON, or @file with JSON in it")
    .option("--env <NAME=VALUE>", "what sys.get_env answers; may be given again", collect)
    .option("--seed <text>", "decides UUIDs and the order of parallel branches; default: another each time")
    .option("--virtual-time", "sleeps, retries and time limits take no real time")
    .option("--record <file>", "keep what the world answered in this cassette")
    .option("--replay <file>", "answer from this cassette instead of the world; runs in virtual time");
}

function addCheck(group: Command, write: RunWorld["write"]): void {
  group
    .command("check <file...>")
    .description("Say what production would refuse at deployment: place, reason, hint; also of *.cases.yaml")
    .option("--deny-warnings", "exit 1 for warnings, too")
    .addHelpText("after", "\nExample:\n  $ signalbox workflows check --json canary.yaml data-run.yaml")
    .action((files: readonly string[], { denyWarnings }: { denyWarnings?: boolean }, command: Command) =>
      checkFiles(files, { json: isJson(command), denyWarnings: denyWarnings === true }, write),
    );
}

const RUN_HELP = `
The result goes to stdout as JSON; the log, the trace and an uncaught error (exit 1) go to stderr. HTTP calls are real:
use --replay, or \`test\`, to run without them. Ctrl-C cancels. Callback endpoints listen on 127.0.0.1 while it runs.
Tokens for steps with auth: SIGNALBOX_IDENTITY_TOKEN (OIDC, sent to its audience's host only) and
SIGNALBOX_ACCESS_TOKEN (OAuth2, sent to https://*.googleapis.com only).
A replay repeats exactly what was recorded in virtual time; a body that holds the time of a real run differs.

Examples:
  $ signalbox workflows run hello.yaml --args '{"name": "Ada"}'
  $ signalbox workflows run job.yaml --virtual-time --record job.cassette.json
  $ signalbox workflows run job.yaml --replay job.cassette.json --trace`;

function addRun(group: Command, world: RunWorld): void {
  withRunOptions(group.command("run <file>"))
    .description("Run a workflow here and print its result")
    .option("--trace", "print every step as it is entered, and every call")
    .addHelpText("after", RUN_HELP)
    .action((file: string, flags: RunFlags) => runFile(file, flags, world));
}

const TEST_HELP = `
Example:
  $ signalbox workflows test canary.yaml

A file of cases, such as canary.cases.yaml beside canary.yaml:

  cases:
    - name: asks again while the service is busy
      argument: {api: "https://api.test"}
      effects:                                  # tried in order; a call that none answers fails the case
        - call: POST https://api.test/v1/jobs*  # * stands for anything; also step:, body:, headers:
          answers:                              # the last one repeats
            - {status: 503, times: 2}
            - {json: {id: 7}}                   # or text:, or failure: TimeoutError
        - call: googleapis.bigquery.v2.jobs.query   # a connector by its name; also args:
          answers: [{json: {totalRows: "3"}}]       # its result; or raises: (its error)
      expect:                                   # any of these
        result: {id: 7}                         # or error: (its keys), failedIn: (a step), state: CANCELLED
        calls: [POST https://api.test/v1/jobs, POST https://api.test/v1/jobs, POST https://api.test/v1/jobs]
        seconds: 3                              # of virtual time; also logs:, steps: {internal: 9}

More keys of a case: environment, seed, callbacks (step, afterSeconds, method, body), cancelAfterSeconds. Of the file:
workflow, environment, time, effects (for every case).`;

function addTest(group: Command, write: RunWorld["write"]): void {
  group
    .command("test <file...>")
    .description("Run a workflow's cases in virtual time; print what they covered")
    .option("--cases <file>", "the cases, if they are not in <workflow>.cases.yaml")
    .option("--only <words>", "only cases with these words in their name")
    .option("--min-coverage <percent>", "exit 1 below this share of steps and branches", percentage, 0)
    .addHelpText("after", TEST_HELP)
    .action(
      (
        files: readonly string[],
        flags: { cases?: string; only?: string; minCoverage: number },
        command: Command,
      ) => testFiles(files, { ...flags, json: isJson(command) }, write),
    );
}

function addCost(group: Command, world: RunWorld): void {
  withRunOptions(group.command("cost <file>"))
    .description(
      "Billed steps and list price: of each case, or of one run with --args, --virtual-time or --replay",
    )
    .option("--cases <file>", "the cases, if they are not in <workflow>.cases.yaml")
    .option("--executions <count>", "executions a month", number, 10_000)
    .option("--steps", "also print what each step was billed for")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox workflows cost workflows/canary.yaml --executions 5000 --steps",
    )
    .action((file: string, flags: Omit<CostFlags, "json">, command: Command) =>
      costOf(file, { ...flags, json: isJson(command) }, world),
    );
}

async function printGraph(file: string, write: RunWorld["write"]): Promise<void> {
  const { tree, problems } = parseTree(await readText(file, "The workflow"), { file });
  const errors = problems.filter(({ severity }) => severity === "error");
  if (tree === undefined || errors.length > 0) throw new CommandError(EXIT.refused, formatProblems(errors));
  write(withoutControls(mermaidOf(tree)));
}

/** Adds `workflows` with its commands. */
export function addWorkflows(
  program: Command,
  { env, write }: CommandContext,
  writeError: (text: string) => void,
): void {
  const world: RunWorld = { env, write, writeError };
  const group = program
    .command("workflows")
    .description("Check, run, test and draw workflows in the Cloud Workflows language, without a cloud")
    .addHelpText("after", EXAMPLES);
  addCheck(group, write);
  addRun(group, world);
  addTest(group, write);
  addCost(group, world);
  group
    .command("graph <file>")
    .description("Print a workflow as a Mermaid flowchart")
    .addHelpText("after", "\nExample:\n  $ signalbox workflows graph canary.yaml > canary.mmd")
    .action((file: string) => printGraph(file, write));
}
