// A control plane in a process of its own, to be killed: prints one JSON line when it is up, another when it has stopped.
// Arguments: state folder, API port, gateway port.
import { stopRequested } from "../../scripts/compose/stop.ts";
import { startInstallation } from "../../scripts/serve.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { PEOPLE } from "./people.ts";

const [state = "", port = "0", gatewayPort = "0"] = process.argv.slice(2);
const stop = stopRequested();
const say = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

try {
  const installation = await startInstallation({
    state,
    port: Number(port),
    gatewayPort: Number(gatewayPort),
    people: PEOPLE.filter(({ principal }) => principal !== "admin"),
  });
  const { url, gatewayUrl, webhookSecret, tokens } = installation;
  say({ url, gatewayUrl, webhookSecret, tokens: Object.fromEntries(tokens), pid: process.pid });
  await stop;
  await installation.close();
  say({ stopped: true });
} catch (error) {
  if (!(error instanceof ControlPlaneError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
