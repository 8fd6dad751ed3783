// The fake of Pub/Sub behind gRPC on loopback, so that Google's own client talks to it.
import { createRequire } from "node:module";
import { Server, ServerCredentials, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { onTestFinished } from "vitest";
import { type PubSubFake, PubSubRefusal, type Published } from "./pubsub-fake.ts";

const require = createRequire(import.meta.url);
const root = protobuf.Root.fromJSON(
  require("@google-cloud/pubsub-api/build/protos/protos.json") as protobuf.INamespace,
);

interface Request {
  readonly topic: string;
  readonly subscription: string;
  readonly messages: readonly {
    data?: Uint8Array;
    attributes?: Record<string, string>;
    orderingKey?: string;
  }[];
  readonly pushConfig?: {
    pushEndpoint?: string;
    oidcToken?: { audience?: string; serviceAccountEmail?: string };
  };
  readonly maxMessages: number;
  readonly ackIds: readonly string[];
}

const publishedOf = (message: Request["messages"][number]): Published => ({
  data: Buffer.from(message.data ?? []),
  attributes: { ...message.attributes },
  ...(message.orderingKey ? { orderingKey: message.orderingKey } : {}),
});

type Answers = Readonly<Record<string, (request: Request) => unknown>>;

const publisher = (fake: PubSubFake): Answers => ({
  Publish: async ({ topic, messages }) => ({
    messageIds: await fake.publish(topic, messages.map(publishedOf)),
  }),
});

const subscriber = (fake: PubSubFake): Answers => ({
  Pull: ({ subscription, maxMessages }) => ({
    receivedMessages: fake.pull(subscription, maxMessages).map(({ message, attempts }) => ({
      ackId: message.messageId,
      deliveryAttempt: attempts,
      message: { data: message.data, attributes: message.attributes, messageId: message.messageId },
    })),
  }),
  Acknowledge: ({ subscription, ackIds }) => {
    fake.acknowledge(subscription, ackIds);
    return {};
  },
});

function register(server: Server, name: string, answers: Answers): void {
  const service = root.lookupService(`google.pubsub.v1.${name}`);
  const definition: Record<string, object> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [method, answer] of Object.entries(answers)) {
    const { requestType, responseType } = service.methods[method] as protobuf.Method;
    const asked = service.lookupType(requestType);
    const answered = service.lookupType(responseType);
    definition[method] = {
      path: `/google.pubsub.v1.${name}/${method}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: object) => Buffer.from(asked.encode(value).finish()),
      requestDeserialize: (bytes: Buffer) =>
        asked.toObject(asked.decode(bytes), { defaults: false, arrays: true }),
      responseSerialize: (value: object) => Buffer.from(answered.encode(answered.fromObject(value)).finish()),
      responseDeserialize: (bytes: Buffer) => answered.decode(bytes),
    };
    const handle = (
      { request }: { readonly request: Request },
      reply: (error: object | null, value?: unknown) => void,
    ): void => {
      void (async () => answer(request))().then(
        (value) => reply(null, value),
        (error: unknown) =>
          reply({
            code: error instanceof PubSubRefusal ? error.code : status.UNKNOWN,
            details: error instanceof Error ? error.message : String(error),
          }),
      );
    };
    handlers[method] = handle;
  }
  server.addService(definition as Parameters<Server["addService"]>[0], handlers);
}

/** Serves the fake until the test ends; answers `host:port`. */
export async function servePubSubFake(fake: PubSubFake): Promise<string> {
  const server = new Server();
  register(server, "Publisher", publisher(fake));
  register(server, "Subscriber", subscriber(fake));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  onTestFinished(() => {
    fake.close();
    server.forceShutdown();
  });
  return `127.0.0.1:${port}`;
}
