// `signalbox doctor`: looks at a running installation and says of each thing how it is and what to do.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { versionOfThis } from "../../scripts/compose/shipped.ts";
import { GITHUB_APP_FILE } from "../commands/github-app.ts";
import { type Connection, connect, STATE_FOLDERS } from "../connection.ts";
import { CommandError, EXIT } from "../exit.ts";
import { type CommandContext, type GlobalOptions, printer } from "../output.ts";
import { type Column, formatTable } from "../table.ts";
import { fetchWith } from "../transport.ts";
import { certificateFinding, fileFindings } from "./files.ts";
import { failure, fine, type Finding, look, skipped } from "./finding.ts";
import { deadLetterFindings, ownWebhookFindings, reachFindings, webhookFindings } from "./service.ts";
import { toolFindings } from "./tools.ts";

const COLUMNS: readonly Column<Finding>[] = [
  { heading: "state", value: ({ state }) => state },
  { heading: "check", value: ({ check }) => check },
  { heading: "what", value: ({ what }) => what, widthMax: 200 },
  { heading: "what to do", value: ({ remedy }) => remedy, widthMax: 200 },
];

async function serviceFindings(connection: Connection, now: () => number): Promise<readonly Finding[]> {
  const { url, trust } = connection;
  const reached = await look("control plane", "Start it with `signalbox start`.", () =>
    reachFindings(connection, now),
  );
  if (reached.some(({ state }) => state === "failure")) return reached;
  return [
    ...reached,
    ...(await look("dead letters", "Use the token of somebody who may look.", () =>
      deadLetterFindings(connection),
    )),
    ...(await look("webhook", "See that nothing stands before it.", async () =>
      ownWebhookFindings(`${url}/webhooks/github`, await fetchWith(trust)),
    )),
    ...(trust === undefined
      ? []
      : await look("certificate", "Give the file that --ca names.", () =>
          Promise.resolve([certificateFinding(trust.caFile, now())]),
        )),
  ];
}

interface AppFile {
  readonly appId: number;
  readonly apiUrl: string;
}

async function appFindings(folder: string): Promise<readonly Finding[]> {
  const file = join(folder, GITHUB_APP_FILE);
  if (!existsSync(file))
    return [skipped("GitHub App", "None is set up here (`signalbox github-app manifest` makes one).")];
  return look("GitHub App", "Compare the App's id and key with its settings.", async () => {
    const { appId, apiUrl } = JSON.parse(readFileSync(file, "utf8")) as AppFile;
    const privateKey = readFileSync(join(folder, "secrets", "github-app-key"), "utf8");
    const { createGithubApp } = await import("../../shared/adapters/github/app.ts");
    const { githubFindings } = await import("./github.ts");
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const app = createGithubApp({
      appId: String(appId),
      privateKey,
      baseUrl: apiUrl,
      clock: systemClock,
      log,
    });
    const { findings, hook } = await githubFindings(app);
    if (hook === undefined || hook === "")
      return [
        ...findings,
        failure("webhook", "The App has no webhook.", "Set its address in the App's settings."),
      ];
    const remedy =
      "See that the address in the App's settings leads here, and that it can be reached from outside.";
    return [...findings, ...(await look("webhook", remedy, () => webhookFindings(hook, fetch)))];
  });
}

function folderOf({ state }: GlobalOptions): string | undefined {
  return state ?? STATE_FOLDERS.find((each) => existsSync(each));
}

/** Everything that can be looked at from here. */
export async function examine(
  options: GlobalOptions,
  { env, now }: CommandContext,
): Promise<readonly Finding[]> {
  const folder = folderOf(options);
  const connection = await look(
    "control plane",
    "Start it, or set SIGNALBOX_URL and SIGNALBOX_TOKEN.",
    async () => serviceFindings(connect(options, env), now),
  );
  const versions = [fine("versions", `signalbox ${versionOfThis()}, node ${process.versions.node}`)];
  if (folder === undefined || !existsSync(folder))
    return [
      ...connection,
      ...versions,
      skipped("state folder", "There is none here: files and tools were not looked at."),
    ];
  const files = await look("state folder", "See that this account can read it.", () =>
    Promise.resolve(fileFindings(folder, now())),
  );
  const tools = await toolFindings(env["PATH"] ?? "");
  const cloud = skipped(
    "Google Cloud",
    "Its resources are not looked at from here; see docs/verify-on-gcp.md.",
  );
  return [...connection, ...files, ...versions, ...tools, ...(await appFindings(folder)), cloud];
}

/** Adds `doctor`. It exits with 1 when something is broken. */
export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .description("Look at a running installation: what is broken, what soon will be, and what to do")
    .addHelpText("after", "\nExamples:\n  $ signalbox doctor\n  $ signalbox doctor --json")
    .action(async (_: unknown, command: Command) => {
      const findings = await examine(command.optsWithGlobals<GlobalOptions>(), context);
      printer(command, context)(findings, formatTable(findings, COLUMNS, ""));
      const broken = findings.filter(({ state }) => state === "failure").length;
      if (broken === 0) return;
      throw new CommandError(
        EXIT.refused,
        broken === 1 ? "1 thing is broken." : `${broken} things are broken.`,
      );
    });
}
