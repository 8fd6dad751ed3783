// The bus inside one process, and the bus between processes of one machine with the door that its pushes meet.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createBus } from "../../shared/adapters/local/bus.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createPushBus } from "../../shared/adapters/local/push-bus.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { DeliverPorts } from "../../shared/runtime/deliver.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { onFacts, serveFunction } from "../../shared/runtime/on-facts.ts";
import { itBehavesLikeABus } from "../contracts/bus.ts";
import { createLogBook } from "../support/world.ts";

const TOKEN = "a token of a test, long enough to be one";

function ports(): DeliverPorts {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  return { deadLetters: createDeadLetters(db), clock: systemClock, log: createLogBook() };
}

itBehavesLikeABus("the bus in one process", async (services) => {
  const its = ports();
  const bus = createBus(its);
  for (const service of services) bus.subscribe(service);
  return { bus, deadLetters: its.deadLetters };
});

/** Serves the service on a port of its own, as its main.ts does when it runs alone. */
async function listen(service: FactService, its: DeliverPorts): Promise<string> {
  onFacts(service, its);
  const server = serveFunction(service.name, TOKEN).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

itBehavesLikeABus("the bus that pushes over HTTP", async (services) => {
  const its = ports();
  const subscribers = await Promise.all(
    services.map(async (service) => ({ name: service.name, url: await listen(service, its) })),
  );
  return { bus: createPushBus(subscribers, TOKEN), deadLetters: its.deadLetters };
});
