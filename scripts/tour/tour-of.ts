// The tour of an installation: where it answers, who its people are, and where its files lie.
import { join } from "node:path";
import { PACKAGE_ROOT } from "../compose/adapters.ts";
import type { Installation } from "../serve.ts";
import type { TourOptions } from "./stage.ts";

/** What the tour is given for this installation. */
export function tourOf(
  {
    url,
    gatewayUrl,
    tokens,
    webhookSecret,
    state,
  }: Pick<Installation, "url" | "gatewayUrl" | "tokens" | "webhookSecret" | "state">,
  rest: Pick<TourOptions, "ray" | "narrator" | "signal">,
): TourOptions {
  const token = (person: string): string => tokens.get(person) ?? "";
  return {
    url,
    gatewayUrl,
    tokens: { admin: token("admin"), ada: token("ada"), grace: token("grace") },
    webhookSecret,
    work: state.path("work", "ml-platform"),
    bare: state.path("repos", "acme", "ml-platform.git"),
    artifacts: state.path("artifacts"),
    example: join(PACKAGE_ROOT, "examples", "platform"),
    ...rest,
  };
}
