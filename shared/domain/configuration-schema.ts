// What `.signalbox.yaml` may say. The rollout block has its own reader (rollout-policy.ts).
import { type Static, Type } from "typebox";

/** Stacks or endpoints of one repository. */
export const CONFIGURATION_ITEMS_MAX = 200;
/** Entries of any list in one stack or endpoint. */
export const CONFIGURATION_LIST_MAX = 100;

const strict = { additionalProperties: false };
const Name = Type.String({ pattern: "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$" });
const Text = Type.String({ minLength: 1, maxLength: 512 });
const Texts = Type.Array(Text, { maxItems: CONFIGURATION_LIST_MAX });

const Allow = Type.Object(
  {
    providers: Type.Optional(Texts),
    provisioners: Type.Optional(Texts),
    dataSources: Type.Optional(Texts),
    modules: Type.Optional(Texts),
  },
  strict,
);

const Stack = Type.Object(
  {
    name: Name,
    directory: Type.String(),
    varFiles: Type.Optional(Type.Array(Type.String(), { maxItems: CONFIGURATION_LIST_MAX })),
    watch: Type.Optional(Type.Array(Type.String(), { maxItems: CONFIGURATION_LIST_MAX })),
    dependsOn: Type.Optional(Type.Array(Name, { maxItems: CONFIGURATION_LIST_MAX })),
    approvals: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    approveAlways: Type.Optional(Type.Boolean()),
    terraformVersion: Type.Optional(Type.String({ pattern: "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$" })),
  },
  strict,
);

const Serving = Type.Object(
  {
    manifests: Type.Optional(Type.String()),
    parameters: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    ),
    local: Type.Optional(
      Type.Object(
        {
          command: Type.Array(Text, { minItems: 1, maxItems: CONFIGURATION_LIST_MAX }),
          readiness: Type.Optional(Type.String({ pattern: "^/", maxLength: 512 })),
        },
        strict,
      ),
    ),
  },
  strict,
);

const Endpoint = Type.Object(
  {
    name: Name,
    team: Type.Optional(Name),
    serving: Serving,
    standby: Type.Optional(Type.String()),
    rollout: Type.Optional(Type.Unknown()),
  },
  strict,
);

/** The document as people write it. */
export const ConfigurationDocument = Type.Object(
  {
    version: Type.Literal(1),
    allow: Type.Optional(Allow),
    selfApproval: Type.Optional(Type.Boolean()),
    stacks: Type.Optional(Type.Array(Stack, { maxItems: CONFIGURATION_ITEMS_MAX })),
    endpoints: Type.Optional(Type.Array(Endpoint, { maxItems: CONFIGURATION_ITEMS_MAX })),
  },
  strict,
);
/** The document as people write it. */
export type ConfigurationDocument = Static<typeof ConfigurationDocument>;

/** What to write at a place; positions in lists are dropped before the look-up. */
export const CONFIGURATION_REMEDIES: Readonly<Record<string, string>> = {
  "": "Write a document with version, stacks and endpoints.",
  version: "Write version: 1.",
  allow: "Write a block with lists named providers, provisioners, dataSources or modules.",
  "allow.providers": "Write a list of provider sources such as [hashicorp/google].",
  "allow.provisioners": "Write a list of provisioner types, or leave it out.",
  "allow.dataSources": "Write a list of data source types such as [google_project].",
  "allow.modules": "Write a list of module sources exactly as the modules name them.",
  selfApproval: "Write true or false.",
  stacks: `Write a list of at most ${CONFIGURATION_ITEMS_MAX} stacks.`,
  "stacks.name": "Use 1 to 63 lower-case letters, digits and dashes, a letter first and no dash at the end.",
  "stacks.directory": "Write the path of the root module inside the repository, such as stacks/playground.",
  "stacks.varFiles": "Write a list of paths below the stack's directory.",
  "stacks.watch": "Write a list of paths inside the repository.",
  "stacks.dependsOn": "Write a list of stack names.",
  "stacks.approvals": "Write a whole number from 0 to 10.",
  "stacks.approveAlways": "Write true or false.",
  "stacks.terraformVersion": 'Write a version in quotes, such as "1.11.4" or "1.11".',
  endpoints: `Write a list of at most ${CONFIGURATION_ITEMS_MAX} endpoints.`,
  "endpoints.name":
    "Use 1 to 63 lower-case letters, digits and dashes, a letter first and no dash at the end.",
  "endpoints.team":
    "Use 1 to 63 lower-case letters, digits and dashes, a letter first and no dash at the end.",
  "endpoints.serving": "Write a block with manifests, parameters or local.",
  "endpoints.serving.manifests": "Write the path of a folder inside the repository.",
  "endpoints.serving.parameters": "Write names with texts, numbers or booleans.",
  "endpoints.serving.local": "Write a block with command and readiness.",
  "endpoints.serving.local.command":
    "Write the program and its arguments as a list, such as [node, server.mjs].",
  "endpoints.serving.local.readiness": "Write a path such as /healthz.",
  "endpoints.standby": "Write a duration such as 30m.",
};
