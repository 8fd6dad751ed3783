// Which test files share a process, and in which order all are begun.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Folders of tests that start no control plane and leave their process as it was: their files share two, which load the code once. */
export const SHARING_FOLDERS = [
  "adapters",
  "architecture",
  "cli",
  "domain",
  "runtime",
  "services",
  "workflows",
] as const;

/** The name of the part of a run whose files share processes. */
export const SHARING = "sharing";

const isSharing = ({ project }: TestSpecification): boolean => project.name === SHARING;

/** Between two files with a process of their own come as many of the others as there are for each. */
function interleaved<T>(alone: readonly T[], sharing: readonly T[]): T[] {
  const each = Math.floor(sharing.length / Math.max(1, alone.length));
  const order = alone.flatMap((file, index) => [file, ...sharing.slice(index * each, (index + 1) * each)]);
  return [...order, ...sharing.slice(alone.length * each)];
}

/**
 * Files with a process of their own are the long ones, and start processes besides: beside each of them runs, as far as there are
 * any, what is short. By itself Vitest would begin with all of the one kind.
 */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return interleaved(
      sorted.filter((file) => !isSharing(file)),
      sorted.filter(isSharing),
    );
  }
}
