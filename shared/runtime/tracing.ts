// Stories: which traceparent the work under way belongs to, and the spans that tell of it where somebody listens. A process has
// one tracer or none, as it has one environment: without one, work carries its story on and nothing else is done.
import { AsyncLocalStorage } from "node:async_hooks";
import { ControlPlaneError } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";

/** What a span says about one piece of work. No text of users, no secret: names, types and ids. */
export interface FinishedSpan {
  /** Its own place in the trace; ids as in a traceparent. */
  readonly traceparent: string;
  /** Empty for the first span of a trace. */
  readonly parent: string;
  readonly name: string;
  readonly kind: "server" | "consumer" | "internal";
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** A reason of our table, or another short word, when it failed. */
  readonly error?: string;
}

/** Takes spans. */
export interface Tracer {
  /** A place below the parent; below nothing, a new trace. */
  child(parent: string): string;
  /** Takes a finished span; never throws and never waits. */
  emit(span: FinishedSpan): void;
}

/** A piece of work before it is done. */
export type SpanDraft = Pick<FinishedSpan, "parent" | "name" | "kind" | "attributes"> & {
  /** Where it stands, when that is known beforehand. */
  readonly traceparent?: string;
};

const stories = new AsyncLocalStorage<string>();
let tracer: Tracer | undefined;

/** Lets this tracer hear of all later work of the process; answers how to stop that. */
export function useTracer(next: Tracer): () => void {
  tracer = next;
  return () => {
    if (tracer === next) tracer = undefined;
  };
}

/** Whether somebody listens. */
export const isTraced = (): boolean => tracer !== undefined;

/** The traceparent of the work under way; empty when it belongs to no story. */
export const currentStory = (): string => stories.getStore() ?? "";

/** The story that was named, or, where it is the same one, the place that the work under way has in it. */
export function deeperStory(named: string): string {
  const current = currentStory();
  const traceOf = (traceparent: string): string => traceparent.slice(0, 35);
  return named === "" || traceOf(named) === traceOf(current) ? current : named;
}

/** Runs the work as part of this story, or of none: what happened to start it is another story. */
export const inStory = <Answer>(traceparent: string, work: () => Answer): Answer =>
  stories.run(traceparent, work);

const wordFor = (error: unknown): string =>
  error instanceof ControlPlaneError ? error.reason : error instanceof Error ? error.name : "Error";

/** A span that has begun. */
export interface OpenSpan {
  /** The story of what is done inside of it. */
  readonly traceparent: string;
  end(more?: { readonly attributes?: FinishedSpan["attributes"]; readonly error?: string }): void;
}

const now = (): number => performance.timeOrigin + performance.now();

/** Begins a span below its parent. Without a tracer its place is the parent's and nothing is measured. */
export function beginSpan({ traceparent, parent, ...draft }: SpanDraft): OpenSpan {
  const listening = tracer;
  if (listening === undefined) return { traceparent: traceparent ?? parent, end: () => undefined };
  const own = traceparent ?? listening.child(parent);
  const startMs = now();
  return {
    traceparent: own,
    end({ attributes = {}, error } = {}) {
      const span = { ...draft, traceparent: own, parent, startMs, endMs: now() };
      listening.emit({
        ...span,
        attributes: { ...draft.attributes, ...attributes },
        ...(error === undefined ? {} : { error }),
      });
    },
  };
}

/** Runs the work as a span below its parent. */
export async function inSpan<Answer>(draft: SpanDraft, work: () => Promise<Answer>): Promise<Answer> {
  const span = beginSpan(draft);
  try {
    const answer = await inStory(span.traceparent, work);
    span.end();
    return answer;
  } catch (error) {
    span.end({ error: wordFor(error) });
    throw error;
  }
}

/** The span of one fact at one service, by the semantic conventions of messaging. */
export const inFactSpan = <Answer>(
  service: string,
  fact: AnyFact,
  work: () => Promise<Answer>,
): Promise<Answer> =>
  fact.correlation === ""
    ? inStory("", work)
    : inSpan(
        {
          parent: fact.correlation,
          name: `process ${fact.type}`,
          kind: "consumer",
          attributes: {
            "messaging.system": "signalbox",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": fact.type,
            "messaging.consumer.group.name": service,
            "messaging.message.id": fact.id,
            "signalbox.subject": fact.subject,
          },
        },
        work,
      );

/** Ends of builds: which task they were. */
const BUILD_ENDS: Readonly<Record<string, "plan" | "apply">> = {
  "plan.finished": "plan",
  "plan.failed": "plan",
  "apply.finished": "apply",
  "apply.failed": "apply",
};

/** Whether a fact tells of the end of a build. */
const isBuildEnd = (type: string): boolean => BUILD_ENDS[type] !== undefined;

/** Where the facts of a decision stand in their story: below the build's own span, when they tell of its end. */
export function placeOf(types: readonly string[], story: string): string {
  if (tracer === undefined || story === "" || !types.some(isBuildEnd)) return story;
  return tracer.child(story);
}

/** Tells of builds that ended, by the semantic conventions of CI/CD. `story` is the one that `placeOf` was asked with. */
export function tellBuilds(facts: readonly AnyFact[], story: string): void {
  if (tracer === undefined || story === "") return;
  for (const { type, subject, time, correlation, data } of facts) {
    const task = BUILD_ENDS[type];
    const {
      build,
      durationMs = 0,
      reason,
    } = data as { build?: string; durationMs?: number; reason?: string };
    if (task === undefined || build === undefined) continue;
    const endMs = Date.parse(time);
    tracer.emit({
      traceparent: correlation,
      parent: story,
      name: `terraform ${task}`,
      kind: "internal",
      startMs: endMs - durationMs,
      endMs,
      attributes: {
        "cicd.pipeline.task.name": task,
        "cicd.pipeline.task.run.id": build,
        "cicd.pipeline.task.run.result": type.endsWith(".finished") ? "success" : "failure",
        "signalbox.subject": subject,
      },
      ...(type.endsWith(".failed") ? { error: reason ?? "FAILED" } : {}),
    });
  }
}
