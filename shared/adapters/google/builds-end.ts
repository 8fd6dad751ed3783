// What it means that a build of the build service is over although its program wrote no result.
import type { BuildFailureReason } from "../../ports/builds.ts";
import type { CloudBuild } from "./builds-wire.ts";

/** Status of Cloud Build → reason and words. Whatever stopped a program that had begun leaves something to look at. */
const ENDS: Readonly<Record<string, readonly [BuildFailureReason, string]>> = {
  TIMEOUT: [
    "TIMED_OUT",
    "Cloud Build stopped the build at its time limit, and its program had not ended by itself.",
  ],
  CANCELLED: ["CANCELLED", "The build was cancelled before its program wrote a result."],
  EXPIRED: [
    "INTERRUPTED",
    "The build waited in Cloud Build's queue for too long: no machine was free. Nothing was run.",
  ],
  INTERNAL_ERROR: ["INTERRUPTED", "Cloud Build could not run the build."],
};

/** Reason and message. Undefined: Cloud Build does not know the build any more. `began`: its program had taken the fence. */
export function endOf(
  build: CloudBuild | undefined,
  began: boolean,
): { readonly reason: BuildFailureReason; readonly message: string } {
  if (build === undefined)
    return {
      reason: "INTERRUPTED",
      message: "Cloud Build does not know the build any more, and it left no result.",
    };
  const [reason, words] = ENDS[build.status] ?? [
    "INTERRUPTED",
    "The build ended without a result: its program was killed, or could not start.",
  ];
  const detail = build.detail === "" ? "" : ` Cloud Build says: ${build.detail.slice(0, 500)}`;
  return { reason: began ? "INTERRUPTED" : reason, message: `${words}${detail}` };
}
