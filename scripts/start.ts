// `npm start`: the demo installation, the tour on its first start, and then a control plane to be used until Ctrl-C.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ControlPlaneError } from "../shared/domain/errors.ts";
import { PACKAGE_ROOT } from "./compose/adapters.ts";
import { RequirementError } from "./compose/requirements.ts";
import type { FirstPerson } from "./compose/state-folder.ts";
import { type Installation, startInstallation, stopRequested } from "./serve.ts";
import { createNarrator, formatFigures } from "./tour/narrator.ts";
import { TourError } from "./tour/stage.ts";
import { playTour } from "./tour/tour.ts";
import { findRay } from "./tour/ray-head.ts";

const PORT = 7420;
const GATEWAY_PORT = 7421;
const FAILED = 1;
/** What a shell answers for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const USAGE = `npm start -- [--once] [--tour] [--with-ray] [--port N] [--gateway-port N]
  --once      fresh state, play the tour, exit 0 if every step did what it says
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
  const folder = join(".signalbox", "demo");
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
  npx signalbox --as grace resume ranker --reason 'looked at it' the endpoint is held since its rollback
  npx signalbox facts --limit 30                                 what happened, newest first
  curl -s ${gatewayUrl}/ranker/v1/predict -i | grep x-signalbox-version
`);
  if (folder !== join(".signalbox", "demo")) out("");
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

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) return (out(USAGE), 0);
  const stop = stopRequested();
  const stopped = new AbortController();
  void stop.then(() => stopped.abort());
  const started = Date.now();
  const folder = join(PACKAGE_ROOT, ".signalbox", options.once ? `once-${started}` : "demo");
  if (options.tour && !options.once) await rm(folder, { recursive: true, force: true });
  const ray = await findRay({
    withRay: options["with-ray"],
    folder: join(PACKAGE_ROOT, ".signalbox", "ray"),
    env: process.env,
    say: out,
  });
  const installation = await startInstallation({
    state: folder,
    port: options.once ? 0 : Number(options.port ?? PORT),
    gatewayPort: options.once ? 0 : Number(options["gateway-port"] ?? GATEWAY_PORT),
    people: PEOPLE,
    ray:
      ray === undefined
        ? undefined
        : { address: ray.address, ...(ray.token === undefined ? {} : { token: ray.token }) },
  });
  let code = 0;
  try {
    const narrator = createNarrator(
      process.stdout,
      () => performance.now(),
      process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    );
    if (!installation.known) {
      await playTour({
        url: installation.url,
        gatewayUrl: installation.gatewayUrl,
        tokens: {
          admin: installation.tokens.get("admin") ?? "",
          ada: installation.tokens.get("ada") ?? "",
          grace: installation.tokens.get("grace") ?? "",
        },
        webhookSecret: installation.webhookSecret,
        work: join(installation.state.root, "work", "ml-platform"),
        bare: installation.state.path("repos", "acme", "ml-platform.git"),
        artifacts: installation.state.path("artifacts"),
        example: join(PACKAGE_ROOT, "examples", "platform"),
        ray: ray?.address,
        narrator,
        signal: stopped.signal,
      });
    }
    const figures = narrator.figures();
    if (options.once)
      out(
        `\n${formatFigures(figures)}\n\nThe tour took ${((Date.now() - started) / 1000).toFixed(0)} s. Everything did what it says.\n`,
      );
    else {
      tellHowToGoOn(installation, figures.length === 0 ? "" : formatFigures(figures));
      await stop;
      out("\nStopping …\n");
    }
  } catch (error) {
    code = endOfTour(error, { stopped: stopped.signal.aborted, once: options.once, folder });
  } finally {
    await installation.close();
    await ray?.stop();
  }
  if (options.once && code !== FAILED) await rm(folder, { recursive: true, force: true });
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof RequirementError) && !(error instanceof ControlPlaneError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
