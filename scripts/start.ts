// `npm start`: the demo installation, the tour on its first start, and then a control plane to be used until Ctrl-C.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ControlPlaneError } from "../shared/domain/errors.ts";
import { PACKAGE_ROOT } from "./compose/adapters.ts";
import { endLeftovers } from "./compose/leftovers.ts";
import { RequirementError } from "./compose/requirements.ts";
import type { FirstPerson } from "./compose/state-folder.ts";
import { type Installation, type ServeOptions, startInstallation, stopRequested } from "./serve.ts";
import { createNarrator, formatFigures } from "./tour/narrator.ts";
import { createStage, TourError } from "./tour/stage.ts";
import { playTour } from "./tour/tour.ts";
import { type DemoRay, findRay } from "./tour/ray-head.ts";
import { tourOf } from "./tour/tour-of.ts";

const PORT = 7420;
const GATEWAY_PORT = 7421;
const FAILED = 1;
/** What a shell answers for wrong usage of a command. */
const WRONG_USAGE = 2;
/** What a shell answers for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const USAGE = `npm start -- [--once [--keep]] [--tour] [--with-ray] [--port N] [--gateway-port N]
  --once      fresh state, play the tour, exit 0 if every step did what it says
  --keep      leave its state in .signalbox/kept (fresh each time), to be started again with \`signalbox --state\`
  --tour      play the tour again although the demo has been started before (fresh state)
  --with-ray  make a Python environment with Ray once and start a local head
`;

const PEOPLE: readonly FirstPerson[] = [
  { principal: "ada", role: "engineer", codeHostLogins: ["ada", "ada@example.com"], tokenFile: "token-ada" },
  {
    principal: "grace",
    role: "operator",
    codeHostLogins: ["grace", "grace@example.com"],
    tokenFile: "token-grace",
  },
];

function readOptions() {
  const { values } = parseArgs({
    options: {
      once: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      tour: { type: "boolean", default: false },
      "with-ray": { type: "boolean", default: false },
      port: { type: "string" },
      "gateway-port": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  return values;
}

const out = (text: string): void => void process.stdout.write(text);

function tellHowToGoOn({ url, gatewayUrl, state, tokens }: Installation, figures: string): void {
  out(`
${figures === "" ? "" : `${figures}\n\n`}Signalbox is up and goes on until Ctrl-C.

  page and API   ${url}
  models         ${gatewayUrl}/ranker/v1/predict
  token          ${state.path("token")} (and ${[...tokens.keys()]
    .filter((name) => name !== "admin")
    .map((name) => `token-${name}`)
    .join(", ")})
  log            ${state.path("signalbox.log")}

Five things to try in another terminal:

  npx signalbox open                                             the status page, signed in
  npx signalbox rollouts                                         what was rolled out, and on what evidence
  npx signalbox --as grace resume ranker --reason 'looked at it' lets it go on: the tour's rollback held it
  npx signalbox facts --limit 30                                 what happened, newest first
  curl -s ${gatewayUrl}/ranker/v1/predict -i | grep x-signalbox-version
`);
}

/** Says why the tour ended early; answers the exit code. Throws what is not the tour's. */
function endOfTour(
  error: unknown,
  { stopped, once, folder }: { readonly stopped: boolean; readonly once: boolean; readonly folder: string },
): number {
  // Whatever the tour was doing when it was asked to stop, it failed for that reason.
  if (stopped) {
    out("\nStopping … `npm start -- --tour` plays the tour from its beginning.\n");
    return once ? INTERRUPTED : 0;
  }
  if (!(error instanceof TourError)) throw error;
  process.stderr.write(`\nThe tour failed: ${error.message}\nState and log are kept in ${folder}.\n`);
  return FAILED;
}

type Options = ReturnType<typeof readOptions>;

/** The wished port; a RequirementError when it is none. */
function portOf(text: string | undefined, otherwise: number): number {
  const port = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new RequirementError(
    `${String(text)} is no port: give a whole number from 0 to 65535; 0 takes a free one.`,
  );
}

function installationOptions(options: Options, folder: string, ray: DemoRay | undefined): ServeOptions {
  return {
    state: folder,
    port: options.once ? 0 : portOf(options.port, PORT),
    gatewayPort: options.once ? 0 : portOf(options["gateway-port"], GATEWAY_PORT),
    people: PEOPLE,
    ray,
  };
}

/** Removes a state folder that nobody holds. Builds go on after a stop and would write to it still: they end with it. */
async function removeState(folder: string): Promise<void> {
  await endLeftovers(folder);
  await rm(folder, { recursive: true, force: true });
}

/** Empties the demo's folder. Started once more before, so that it is refused while in use and no old server lives on. */
async function startAfresh(options: ServeOptions): Promise<void> {
  if (!existsSync(options.state)) return;
  await (await startInstallation(options)).close();
  await removeState(options.state);
}

/** The installation's life: the tour if it is new, then until Ctrl-C; answers the exit code. */
async function live(
  installation: Installation,
  {
    options,
    ray,
    stop,
  }: { readonly options: Options; readonly ray: DemoRay | undefined; readonly stop: Promise<unknown> },
): Promise<number> {
  const stopped = new AbortController();
  void stop.then(() => stopped.abort());
  const { once } = options;
  const started = performance.now();
  const colour = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  const narrator = createNarrator(process.stdout, () => performance.now(), colour);
  try {
    if (!installation.known)
      await playTour(
        createStage(tourOf(installation, { ray: ray?.address, narrator, signal: stopped.signal })),
      );
  } catch (error) {
    return endOfTour(error, { stopped: stopped.signal.aborted, once, folder: installation.state.root });
  }
  const figures = narrator.figures().length === 0 ? "" : formatFigures(narrator.figures());
  if (once) {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    out(`\n${figures}\n\nThe tour took ${seconds} s. Everything did what it says.\n`);
    return 0;
  }
  tellHowToGoOn(installation, figures);
  await stop;
  out("\nStopping …\n");
  return 0;
}

async function main(options: Options): Promise<number> {
  if (options.help) return (out(USAGE), 0);
  const stop = stopRequested();
  const root = join(PACKAGE_ROOT, ".signalbox");
  const keep = options.once && options.keep;
  const folder = join(root, keep ? "kept" : options.once ? `once-${Date.now()}` : "demo");
  if (keep || (options.tour && !options.once))
    await startAfresh(installationOptions(options, folder, undefined));
  const ray = await findRay({
    withRay: options["with-ray"],
    folder: join(root, "ray"),
    env: process.env,
    say: out,
  });
  let code = FAILED;
  try {
    const installation = await startInstallation(installationOptions(options, folder, ray));
    try {
      code = await live(installation, { options, ray, stop });
    } finally {
      await installation.close();
    }
  } finally {
    await ray?.stop();
  }
  if (options.once && !keep && code !== FAILED) await removeState(folder);
  return code;
}

/** The options that were given, or undefined when there are others: then it is said which there are. */
function optionsOrUsage(): Options | undefined {
  try {
    return readOptions();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

try {
  const options = optionsOrUsage();
  process.exitCode = options === undefined ? WRONG_USAGE : await main(options);
} catch (error) {
  if (!(error instanceof RequirementError) && !(error instanceof ControlPlaneError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
