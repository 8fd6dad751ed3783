// Which world a process runs in: a state folder of this machine, or Google Cloud. Read once, where a process is composed.
// The names are those that terraform/control-plane sets on every Cloud Run service and job.
import { type Static, type TObject, type TProperties, Type } from "typebox";
import { ControlPlaneError, failedPrecondition } from "../../shared/domain/errors.ts";
import { declare, type Environment } from "../../shared/runtime/config.ts";

/** What a process is to others: pushed to by subscriptions, called by a schedule only, or an edge that people and systems call, with a schedule or without. */
export type Door = "pushed" | "scheduled" | "called" | "called-and-scheduled";

/** Emulators in place of Google's services: `host:port` each. */
export interface Emulators {
  readonly firestore: string;
  readonly pubsub: string;
}

/** A world and what is needed to reach it. */
export type World =
  | { readonly kind: "embedded"; readonly pushToken: string }
  | {
      readonly kind: "google-cloud";
      readonly project: string;
      readonly database: string;
      readonly topic: string;
      readonly emulators: Emulators | undefined;
      /** Empty for a process that nothing is pushed to. */
      readonly subscription: string;
      readonly audience: string;
      readonly senders: readonly string[];
      /** Whether this is Cloud Run and IAM is asked about every caller: it then takes the signatures of their tokens away. */
      readonly checkedInFront: boolean;
    };

/** Loopback, but on Cloud Run, whose proxy comes from outside of the container. */
export const hostOf = (world: World): string =>
  world.kind === "google-cloud" && world.emulators === undefined ? "0.0.0.0" : "127.0.0.1";

/** Whether a process has a clock of its own: on Cloud Run a schedule calls, because an instance sleeps between requests. */
export const keepsTime = (world: World): boolean =>
  world.kind === "embedded" || world.emulators !== undefined;

const EMULATOR_VARIABLES = ["FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"] as const;

const WORLD = Type.Object({
  SIGNALBOX_WORLD: Type.Union([Type.Literal("embedded"), Type.Literal("google-cloud")], {
    default: "embedded",
    description: "set it to google-cloud on Cloud Run, or leave it out for a state folder of this machine.",
  }),
});

const PUSH_TOKEN = {
  SIGNALBOX_PUSH_TOKEN: Type.String({
    minLength: 32,
    description: "set it to the token that the relay is started with, 32 characters or more.",
  }),
};

const GOOGLE = {
  GOOGLE_CLOUD_PROJECT: Type.String({ description: "set it to the id of the project." }),
  SIGNALBOX_DATABASE: Type.String({ description: "set it to the name of the Firestore database." }),
  SIGNALBOX_FACTS_TOPIC: Type.String({ description: "set it to the name of the topic of facts." }),
};

const SUBSCRIPTION = {
  SIGNALBOX_SUBSCRIPTION: Type.String({
    pattern: "^projects/[^/]+/subscriptions/[^/]+$",
    description: "set it to the subscription that pushes here, as projects/…/subscriptions/….",
  }),
};

/** Who may call; the emulator signs nothing, so there it is not asked. */
const AUDIENCES = {
  SIGNALBOX_AUDIENCES: Type.String({ description: "list the audience of the calls first." }),
};
const PUSH_ACCOUNT = {
  SIGNALBOX_PUSH_ACCOUNT: Type.String({
    description: "set it to the account that the subscription pushes as.",
  }),
};
const SCHEDULER_ACCOUNT = {
  SIGNALBOX_SCHEDULER_ACCOUNT: Type.String({ description: "set it to the account of the schedules." }),
};

const given = (environment: Environment, name: string): string => environment[name]?.trim() ?? "";

/** Cloud Run sets one of these on every service, the other on every job. */
const CLOUD_RUN_VARIABLES = ["K_SERVICE", "CLOUD_RUN_JOB"] as const;

const isProduction = (environment: Environment): boolean =>
  CLOUD_RUN_VARIABLES.some((name) => given(environment, name) !== "") ||
  given(environment, "NODE_ENV") === "production";

/** Reads variables, and keeps what is wrong with them to be told together. */
function reader(environment: Environment, problems: string[]) {
  return <Variables extends TProperties>(variables: Variables): Partial<Static<TObject<Variables>>> => {
    try {
      return declare(Type.Object(variables))(environment);
    } catch (error) {
      if (!(error instanceof ControlPlaneError) || error.reason !== "CONFIG_INVALID") throw error;
      problems.push(...error.message.split("\n").slice(1));
      return {};
    }
  };
}

/** Nothing pushes to an edge. */
const isEdge = (door: Door): boolean => door.startsWith("called");

function emulatorsOf(environment: Environment, problems: string[]): Emulators | undefined {
  const set = EMULATOR_VARIABLES.filter((name) => given(environment, name) !== "");
  if (set.length === 0) return undefined;
  if (isProduction(environment)) {
    problems.push(
      ...set.map(
        (name) => `  - ${name} is set, and this is production: what it kept would be lost. Unset it.`,
      ),
    );
    // What is missing once it is unset is told as well.
    return undefined;
  }
  if (set.length < EMULATOR_VARIABLES.length)
    problems.push(
      `  - of ${EMULATOR_VARIABLES.join(" and ")} only ${set.join()} is set: set both, or neither.`,
    );
  return {
    firestore: given(environment, EMULATOR_VARIABLES[0]),
    pubsub: given(environment, EMULATOR_VARIABLES[1]),
  };
}

function readWorld(environment: Environment, door: Door, problems: string[]): World {
  const read = reader(environment, problems);
  const emulators = emulatorsOf(environment, problems);
  const { SIGNALBOX_WORLD: kind } = read(WORLD.properties);
  if (kind !== "google-cloud")
    return {
      kind: "embedded",
      pushToken: isEdge(door) ? "" : (read(PUSH_TOKEN).SIGNALBOX_PUSH_TOKEN ?? ""),
    };
  const google = read(GOOGLE);
  const subscription = door === "pushed" ? read(SUBSCRIPTION).SIGNALBOX_SUBSCRIPTION : undefined;
  const guarded = door !== "called" && emulators === undefined;
  const pusher = guarded && door === "pushed" ? read(PUSH_ACCOUNT).SIGNALBOX_PUSH_ACCOUNT : undefined;
  // A service without a schedule has no such account.
  const scheduler =
    guarded && (door.endsWith("scheduled") || given(environment, "SIGNALBOX_SCHEDULER_ACCOUNT") !== "")
      ? read(SCHEDULER_ACCOUNT).SIGNALBOX_SCHEDULER_ACCOUNT
      : undefined;
  return {
    kind,
    project: google.GOOGLE_CLOUD_PROJECT ?? "",
    database: google.SIGNALBOX_DATABASE ?? "",
    topic: google.SIGNALBOX_FACTS_TOPIC ?? "",
    emulators,
    subscription: subscription ?? "",
    audience: guarded ? (read(AUDIENCES).SIGNALBOX_AUDIENCES?.split(",")[0] ?? "") : "",
    senders: [pusher, scheduler].filter((each) => each !== undefined),
    // Only edges may be open to everybody, and there nobody asks IAM.
    checkedInFront: !isEdge(door) && emulators === undefined && given(environment, "K_SERVICE") !== "",
  };
}

/** Settings that only Google Cloud asks for, and the project; undefined on this machine and with emulators. */
export type CloudSettings<Variables extends TProperties> =
  | (Variables extends TProperties ? Static<TObject<Variables>> & { readonly project: string } : never)
  | undefined;

/**
 * The configuration of one process: its own variables, those of its world, and those (`cloud`) that it needs on Google Cloud alone.
 * Throws one FAILED_PRECONDITION `CONFIG_INVALID` that lists every problem of all, such as an emulator in production.
 */
export function configure<Variables extends TProperties, Cloud extends TProperties = TProperties>(
  environment: Environment,
  door: Door,
  variables: Variables,
  cloud?: Cloud,
): {
  readonly config: Static<TObject<Variables>>;
  readonly world: World;
  readonly cloud: CloudSettings<Cloud>;
} {
  const problems: string[] = [];
  const config = reader(environment, problems)(variables);
  const world = readWorld(environment, door, problems);
  const settings =
    cloud !== undefined && world.kind === "google-cloud" && world.emulators === undefined
      ? { ...reader(environment, problems)(cloud), project: world.project }
      : undefined;
  if (problems.length > 0)
    throw failedPrecondition("CONFIG_INVALID", `The configuration is not usable.\n${problems.join("\n")}`);
  return {
    config: config as Static<TObject<Variables>>,
    world,
    cloud: settings as CloudSettings<Cloud>,
  };
}
