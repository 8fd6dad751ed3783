// Starting a control plane, and opening its page.
import { spawn } from "node:child_process";
import { type Command, InvalidArgumentError } from "commander";
import { type ListenFlags, listenOf, withListenOptions } from "./listen-options.ts";
import { CommandError, EXIT } from "../exit.ts";
import { type CommandContext, type GlobalOptions, session } from "../output.ts";

/** The highest port that there is. */
const PORT_MAX = 65_535;

function port(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= PORT_MAX) return number;
  throw new InvalidArgumentError(`Give a whole number from 0 to ${PORT_MAX}; 0 takes a free port.`);
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

interface StartOptions extends GlobalOptions, ListenFlags {
  readonly port: number;
  readonly gatewayPort: number;
  readonly artifacts: readonly string[];
  readonly providerMirror?: string;
  readonly buildEnv: readonly string[];
}

function addStart(program: Command, { env }: CommandContext): void {
  withListenOptions(program.command("start"))
    .description("Start a control plane on this machine, with its own state and without the tour")
    .option("--port <port>", "port of the API; the next free one if it is taken", port, 7420)
    .option(
      "--gateway-port <port>",
      "port of the model gateway; the next free one if it is taken",
      port,
      7421,
    )
    .option(
      "--artifacts <folder>",
      "a folder besides <state>/artifacts from which models may come; may be given several times",
      collect,
      [],
    )
    .option(
      "--provider-mirror <folder>",
      "the only place from which builds take Terraform providers; default: the registries of the allowed ones",
    )
    .option(
      "--build-env <name>",
      "a variable that builds get, such as GOOGLE_APPLICATION_CREDENTIALS; may be given several times",
      collect,
      [],
    )
    .addHelpText(
      "after",
      "\nRay is used where SIGNALBOX_RAY_ADDRESS (and SIGNALBOX_RAY_TOKEN) say.\n\nExamples:\n  $ signalbox start\n  $ signalbox --state /var/lib/signalbox start --port 8000 --artifacts /srv/models\n  $ signalbox start --host 0.0.0.0 --tls-cert server.crt --tls-key server.key",
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<StartOptions>();
      // Loaded here alone: every other command stays quick because it loads no service.
      const { serve } = await import("../../scripts/serve.ts");
      const address = env["SIGNALBOX_RAY_ADDRESS"];
      const token = env["SIGNALBOX_RAY_TOKEN"];
      const ray = address === undefined ? undefined : { address, ...(token === undefined ? {} : { token }) };
      try {
        await serve({
          state: options.state ?? ".signalbox/default",
          port: options.port,
          gatewayPort: options.gatewayPort,
          artifactRoots: options.artifacts,
          listen: listenOf(options),
          builds: { providerMirror: options.providerMirror, variables: options.buildEnv },
          ray,
        });
      } catch (error) {
        const known =
          error instanceof Error && ["ControlPlaneError", "RequirementError"].includes(error.name);
        if (!known) throw error;
        throw new CommandError(EXIT.refused, error.message, error);
      }
    });
}

function addOpen(program: Command, context: CommandContext): void {
  program
    .command("open")
    .description("Open the status page in a browser, signed in")
    .option("--print", "print the address instead of opening it; it works once, within a minute")
    .addHelpText("after", "\nExamples:\n  $ signalbox open\n  $ signalbox open --print")
    .action(async ({ print }: { print?: boolean }, command: Command) => {
      const api = session(command, context);
      const { code } = await api.post<{ code: string }>("/v1/sessions", {});
      const url = `${api.connection.url}/session?code=${encodeURIComponent(code)}`;
      if (print === true) return api.print({ url }, url);
      const opened = await openBrowser(url);
      api.print(
        { url, opened },
        opened
          ? `Opened ${api.connection.url} in your browser.`
          : `No browser could be started; open this address (it works once, within a minute):\n${url}`,
      );
      return undefined;
    });
}

/** How long the opener may take; one that is still there by then is the browser itself. */
const OPENER_TIME_MAX_MS = 3_000;

function openBrowser(url: string): Promise<boolean> {
  const child = spawn(process.platform === "darwin" ? "open" : "xdg-open", [url], {
    stdio: "ignore",
    detached: true,
  });
  child.unref();
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(true), OPENER_TIME_MAX_MS);
    const answer = (opened: boolean) => {
      clearTimeout(late);
      resolve(opened);
    };
    child.once("error", () => answer(false));
    child.once("exit", (code) => answer(code === 0));
  });
}

/** Adds `start` and `open`. */
export function addRunning(program: Command, context: CommandContext): void {
  addStart(program, context);
  addOpen(program, context);
}
