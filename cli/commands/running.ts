// Starting a control plane, looking at it, opening its page.
import { spawn } from "node:child_process";
import type { Command } from "commander";
import { type CommandContext, listAll, session } from "../output.ts";
import { printable } from "../table.ts";

type Row = Readonly<Record<string, unknown>>;

function addStart(program: Command): void {
  program
    .command("start")
    .description("Start a control plane on this machine, with its own state and without the tour")
    .option("--port <port>", "port of the API; the next free one if it is taken", "7420")
    .option("--gateway-port <port>", "port of the model gateway; the next free one if it is taken", "7421")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<{ state?: string; port: string; gatewayPort: string }>();
      // Loaded here alone: every other command stays quick because it loads no service.
      const { serve } = await import("../../scripts/serve.ts");
      await serve({
        state: options.state ?? ".signalbox/default",
        port: Number(options.port),
        gatewayPort: Number(options.gatewayPort),
      });
    });
}

function addStatus(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description("Is it well, what serves, what waits for whom")
    .action(async (_: unknown, command: Command) => {
      const api = session(command, context);
      const health = await api.get<Row>("/healthz");
      const [stacks, endpoints, plans, letters] = await Promise.all([
        listAll<Row>(api, "/v1/stacks", 1000),
        listAll<Row>(api, "/v1/teams/-/endpoints", 1000),
        listAll<Row>(api, "/v1/stacks/-/plans", 1000),
        api.get<{ totalSize?: number }>("/v1/deadLetters"),
      ]);
      const waiting = plans.filter(({ state }) => state === "WAITING_FOR_APPROVAL");
      const held = endpoints.filter(({ hold }) => hold !== null && hold !== undefined);
      const blocked = stacks.filter(({ state }) => state === "BLOCKED");
      const lines = [
        `${api.connection.url} is ${String(health["status"] ?? "up")}.`,
        `Stacks: ${stacks.length}${blocked.length > 0 ? `, blocked: ${blocked.map(({ name }) => printable(String(name))).join(", ")}` : ""}`,
        `Endpoints: ${endpoints.length}${held.length > 0 ? `, held: ${held.map(({ name }) => printable(String(name))).join(", ")}` : ""}`,
        `Plans that wait for approval: ${waiting.length}${waiting.map(({ name }) => `\n  signalbox approve ${printable(String(name))}`).join("")}`,
        `Dead letters: ${letters.totalSize ?? 0}`,
      ];
      api.print(
        { health, stacks, endpoints, waitingPlans: waiting, deadLetters: letters.totalSize ?? 0 },
        lines.join("\n"),
      );
    });
}

function addOpen(program: Command, context: CommandContext): void {
  program
    .command("open")
    .description("Open the status page in a browser, signed in")
    .option("--print", "print the address instead of opening it; it works once, within a minute")
    .action(async ({ print }: { print?: boolean }, command: Command) => {
      const api = session(command, context);
      const { code } = await api.post<{ code: string }>("/v1/sessions", {});
      const url = `${api.connection.url}/session?code=${encodeURIComponent(code)}`;
      if (print === true) return api.print({ url }, url);
      const opener = process.platform === "darwin" ? "open" : "xdg-open";
      const child = spawn(opener, [url], { stdio: "ignore", detached: true });
      child.on("error", () =>
        api.print(
          { url },
          `No browser could be started; open this address (it works once, within a minute):\n${url}`,
        ),
      );
      child.on("spawn", () => api.print({ url }, `Opened ${api.connection.url} in your browser.`));
      child.unref();
      return undefined;
    });
}

/** Adds `start`, `status` and `open`. */
export function addRunning(program: Command, context: CommandContext): void {
  addStart(program);
  addStatus(program, context);
  addOpen(program, context);
}
