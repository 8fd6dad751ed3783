// How long from the call of a rollback until the route has moved, under traffic? How many requests of users fail meanwhile?
// node scripts/launch.mjs bench/rollback.bench.ts
import { Pool } from "undici";
import { ENDPOINT, versionName } from "../test/support/demo-platform.ts";
import { failedRequests, startLiveRequests } from "../test/support/live-requests.ts";
import { grouped, tell } from "./best-of.ts";
import { tellDurableWrites } from "./durable-write.ts";
import { figuresOf, ms } from "./figures.ts";
import { startServer } from "./server-process.ts";

const ROLLBACKS = 200;
const REQUESTS_PER_SECOND = 300;

const server = await startServer("rollback-server.ts", process.env);
const { url, gatewayUrl, control, token } = server.said as Readonly<Record<string, string>>;
const api = new Pool(url ?? "", { connections: 1 });
const reset = new Pool(control ?? "", { connections: 1 });
const requests = startLiveRequests(gatewayUrl ?? "", "ranker", REQUESTS_PER_SECOND);

async function call(pool: Pool, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await pool.request({
    method: "POST",
    path,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${path} was answered ${answer.statusCode}: ${text}`);
  return text === "" ? {} : JSON.parse(text);
}

/** Rolls back so many times; before each `prepare` puts both versions back. */
async function rollBack(prepare: () => Promise<unknown>) {
  const times: number[] = [];
  const inside: number[] = [];
  for (let rollback = 0; rollback < ROLLBACKS; rollback += 1) {
    await prepare();
    const begun = performance.now();
    const answer = await call(api, `/v1/${ENDPOINT}:rollback`, {
      from: versionName("2"),
      reason: "measured",
      requestId: crypto.randomUUID(),
    });
    times.push(performance.now() - begun);
    inside.push(Number(answer["milliseconds"]));
    if (answer["to"] !== versionName("1")) throw new Error(`It moved to ${JSON.stringify(answer)}`);
  }
  return { calls: figuresOf(times), inside: figuresOf(inside) };
}

const split = () => call(reset, "/split", {});
const settled = await rollBack(async () => {
  await split();
  await call(reset, "/settle", {});
});
const straight = await rollBack(split);
await requests.stop();
const tellOf = (when: string, { calls, inside }: typeof settled): void => {
  tell(`rollback call → route moved, ${ROLLBACKS} calls, ${when}, p50`, ms(calls.p50));
  tell("p99", ms(calls.p99), "≤ 50 ms");
  tell("of it inside: probe, fsynced write, p99", ms(inside.p99));
};
tellOf("each when all before it is done", settled);
tellOf("one straight after the other", straight);
tell(
  `failed of ${grouped(requests.answered.length)} requests at ${REQUESTS_PER_SECOND} a second meanwhile`,
  `${failedRequests(requests.answered).length}`,
  "0",
);
await Promise.all([api.close(), reset.close()]);
await server.stop();
tellDurableWrites();
