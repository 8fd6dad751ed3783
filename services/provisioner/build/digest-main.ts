// The program that computes digests, as a step of Cloud Build. It holds one piece of the artifact at a time, and writes none of it down.
import { Type } from "typebox";
import { contentDigest } from "../../../shared/adapters/google/artifact-content.ts";
import { openBuildObjects } from "../../../shared/adapters/google/builds-objects-open.ts";
import { openRest } from "../../../shared/adapters/google/rest-open.ts";
import { createStorageObjects } from "../../../shared/adapters/google/storage-objects.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { declare } from "../../../shared/runtime/config.ts";
import { runDigest } from "./digest.ts";
import { persist } from "./persistent.ts";
import { STEP_VARIABLES } from "./step-variables.ts";

const config = declare(Type.Object(STEP_VARIABLES))(process.env);
const rest = openRest(clock);
await runDigest({
  id: config.SIGNALBOX_BUILD,
  objects: openBuildObjects(config.SIGNALBOX_BUILD_FOLDER, { clock }),
  clock,
  digestOf(order) {
    const { readPiece } = createStorageObjects({ rest, bucket: order.bucket });
    return contentDigest((...piece) => persist(clock, () => readPiece(...piece)), order);
  },
});
