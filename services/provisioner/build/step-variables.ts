// What every step of Cloud Build is told: its own id, and the folder of objects that it shares with whoever waits for it.
import { Type } from "typebox";

/** Variables of every step. */
export const STEP_VARIABLES = {
  SIGNALBOX_BUILD: Type.String({ description: "set it to our id of the build." }),
  SIGNALBOX_BUILD_FOLDER: Type.String({
    pattern: "^gs://[^/]+/.+$",
    description: "set it to the folder of builds, as gs://BUCKET/FOLDER.",
  }),
} as const;
