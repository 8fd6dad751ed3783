// The artifacts of one installation: apart from the rest of serving, because the registry loads no gateway.
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import type { StateFolder } from "./state-folder.ts";

/** Opens them below the state folder and these other folders. */
export const openArtifacts = (state: StateFolder, roots: readonly string[]) =>
  createArtifacts({ roots: [state.path("artifacts"), ...roots] });
