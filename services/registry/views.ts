// Every read model that the registry keeps.
import type { Projection } from "../../shared/runtime/project.ts";
import { datasetViews } from "./dataset-views.ts";
import { lineageViews } from "./lineage-views.ts";
import { modelViews } from "./model-views.ts";
import { unverifiedViews } from "./unverified-views.ts";

/** `models`, `modelVersions`, `unverifiedModelVersions`, `datasets`, `datasetVersions` and `lineageNodes`. */
export const REGISTRY_VIEWS: readonly Projection[] = [
  modelViews,
  unverifiedViews,
  datasetViews,
  lineageViews,
];
