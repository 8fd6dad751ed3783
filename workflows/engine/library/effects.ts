// The functions that the machine carries out, with their parameters. What each does is in machine/effects.
import { effect, tableOf } from "./library-function.ts";

const HTTP = "url headers? body? query? auth? timeout? private_service_name? ca_certificate?";

/** Functions with effects, by name. */
export const EFFECT_FUNCTIONS = tableOf([
  ...["get", "post", "put", "patch", "delete"].map((method) => effect(`http.${method}`, HTTP, true)),
  effect("http.request", `method ${HTTP}`, true),
  effect("sys.sleep", "seconds", true),
  effect("sys.sleep_until", "time", true),
  effect("sys.log", "data? severity? text? json? timeout?", true),
  effect("sys.now", "", false),
  effect("uuid.generate", "", false),
  effect("events.create_callback_endpoint", "http_callback_method?", false),
  effect("events.await_callback", "callback timeout?", true),
  effect("experimental.executions.run", "workflow_id location? project_id? argument?", true),
  effect("experimental.executions.map", "workflow_id arguments location? project_id?", true),
  // Helpers without REST twins that no connector table covers: accepted by check, reported by a run.
  ...["create_job", "await_job", "delete_job", "request"].map((name) =>
    effect(`gke.${name}`, "", true, true),
  ),
]);
