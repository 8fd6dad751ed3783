// Secrets of Secret Manager. Loaded only on Google Cloud.
import type { Static, TObject } from "typebox";
import { openRest } from "../../shared/adapters/google/rest-open.ts";
import { createSecrets } from "../../shared/adapters/google/secrets.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import type { GOOGLE_SECRETS } from "./google-settings.ts";

/** Where they are. */
export type SecretsSettings = Static<TObject<typeof GOOGLE_SECRETS>> & { readonly project: string };

/** The secrets of this installation. Nothing is read yet. */
export const openGoogleSecrets = ({ project, SIGNALBOX_PREFIX }: SecretsSettings): Secrets =>
  createSecrets({ rest: openRest(clock), project, clock, prefix: `${SIGNALBOX_PREFIX}-` });
