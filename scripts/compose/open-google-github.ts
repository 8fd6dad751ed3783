// The GitHub App of this installation, from the secret that holds its id and its key. Loaded only on Google Cloud.
import { Type } from "typebox";
import { Value } from "typebox/value";
import { createGithubApp, type GithubApp } from "../../shared/adapters/github/app.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { failedPrecondition } from "../../shared/domain/errors.ts";
import { parseStrictJson } from "../../shared/domain/strict-json.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import type { Log } from "../../shared/runtime/log.ts";

/** The secret: what GitHub answers when an App is made has these two fields among others. */
const APP_SECRET = "github-app";
const AppSecret = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  pem: Type.String({ minLength: 1 }),
});

/** What the secret holds, or undefined: the reason of a parser may repeat a piece of the key. */
function parsed(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch {
    return undefined;
  }
}

/** Opens it. The key is read once: a new one is taken by new instances. */
export async function openGithubApp(secrets: Secrets, log: Log): Promise<GithubApp> {
  const app = parsed((await secrets.get(APP_SECRET)).current);
  if (!Value.Check(AppSecret, app))
    throw failedPrecondition(
      "SECRET_UNREADABLE",
      `The secret ${APP_SECRET} is not a JSON object with the App's "id" and its key as "pem": see docs/deploy.md.`,
      { name: APP_SECRET },
    );
  return createGithubApp({ appId: String(app.id), privateKey: app.pem, clock, log });
}
