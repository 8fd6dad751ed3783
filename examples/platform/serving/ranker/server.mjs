// The model server of the example: ranks products by the weights of its artifact. Plain Node, nothing to install.
//
// PORT           where to listen, on the loopback interface
// MODEL_VERSION  only told in the log: clients never see a version in an answer
// ARTIFACT       a JSON file, or a folder with model.json:
//   { "weights": { "price": -0.2, "rating": 1 },   what a feature is worth
//     "errorRate": 0.1,                            share of predictions that fail, spread evenly: exactly one in ten here
//     "latencyMs": 3,                              how long a prediction takes
//     "startupMs": 100,                            how long the model loads before /healthz says so
//     "neverReady": false }                        a model that does not load
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BODY_BYTES_MAX = 1024 * 1024;
const ITEMS_MAX = 1_000;
const SHUTDOWN_MS = 5_000;

const { PORT, MODEL_VERSION, ARTIFACT } = process.env;
if (!PORT || !ARTIFACT) {
  console.error("PORT and ARTIFACT must be set: the port to listen on, and the path of the model.");
  process.exit(2);
}

const file = statSync(ARTIFACT).isDirectory() ? join(ARTIFACT, "model.json") : ARTIFACT;
const model = {
  weights: {},
  errorRate: 0,
  latencyMs: 0,
  startupMs: 0,
  neverReady: false,
  ...JSON.parse(readFileSync(file, "utf8")),
};
const EXAMPLE = [
  { id: "kettle", features: { price: 2, rating: 4.5 } },
  { id: "lamp", features: { price: 1, rating: 3.9 } },
  { id: "chair", features: { price: 5, rating: 4.8 } },
];

let ready = false;
let predictions = 0;

/** Whether this prediction fails: of any 1/rate in a row exactly one does. */
function failsNow() {
  predictions += 1;
  return Math.floor(predictions * model.errorRate) > Math.floor((predictions - 1) * model.errorRate);
}

function score(item) {
  return Object.entries(item.features ?? {}).reduce(
    (sum, [name, value]) => sum + (model.weights[name] ?? 0) * Number(value),
    0,
  );
}

async function readItems(request) {
  if (request.method === "GET") return EXAMPLE;
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    const { items } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return Array.isArray(items) && items.length <= ITEMS_MAX ? items : undefined;
  } catch {
    return undefined;
  }
}

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

async function predict(request, response) {
  const items = await readItems(request);
  if (items === undefined)
    return answer(response, 400, {
      error: `Send {"items": [{"id", "features"}]} with at most ${ITEMS_MAX} items.`,
    });
  if (model.latencyMs > 0) await sleep(model.latencyMs);
  if (failsNow()) return answer(response, 500, { error: "The model failed on this request." });
  const ranked = items
    .map((item) => ({ id: item.id, score: score(item) }))
    .sort((one, other) => other.score - one.score);
  return answer(response, 200, { model: "ranker", ranked });
}

const server = createServer((request, response) => {
  const path = (request.url ?? "/").split("?", 1)[0];
  if (path === "/healthz") return answer(response, ready ? 200 : 503, { ready });
  if (path === "/v1/predict" && (request.method === "GET" || request.method === "POST")) {
    return void predict(request, response).catch(() => response.destroy());
  }
  return answer(response, 404, { error: "This server knows /healthz and /v1/predict." });
});

server.listen(Number(PORT), "127.0.0.1", async () => {
  console.log(`${MODEL_VERSION ?? "a model"} listens on port ${PORT}`);
  await sleep(model.startupMs);
  ready = !model.neverReady;
});

// In-flight predictions end; then the process does.
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setInterval(() => server.closeIdleConnections(), 100).unref();
  setTimeout(() => process.exit(0), SHUTDOWN_MS).unref();
});
