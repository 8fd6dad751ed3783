// The dataset that version 2 was trained on: made by a Ray run, or declared where there is no Ray.
import type { Stage } from "./stage.ts";

/** The dataset of the tour. */
export const DATASET = "teams/default/datasets/catalogue";

/** Without Ray: the dataset is named by the version that was trained on it, and lineage says that no run is known. */
export async function declareDataset(stage: Stage, _commit: string): Promise<string> {
  stage.narrator.say(
    "There is no Ray here, so the training data are declared: `npm start -- --with-ray --tour` makes them with a real Ray run.",
  );
  return `${DATASET}/versions/1`;
}

/** With Ray: a data run processes the product catalogue, and its output becomes version 1 of the dataset. */
export async function processCatalogue(stage: Stage, commit: string): Promise<string> {
  throw new Error(`not yet: ${stage.url} ${commit}`);
}
