// How routes read and write what their schemas say. Nothing is compiled before a request needs it, and what compiles answers is not
// even loaded: an instance starts for one request, and never uses most routes.
import type { SerializerFactory } from "@fastify/fast-json-stringify-compiler";
import type { FastifyRequest, FastifyServerOptions } from "fastify";
import { ControlPlaneError } from "../domain/errors.ts";
import { openedOnce } from "./opened-once.ts";
import { compileValidator } from "./request-validator.ts";

let factory: SerializerFactory | undefined;

/** Loads what compiles answers, once a process. */
const loadFactory = openedOnce(async () => {
  const { default: select } = await import("@fastify/fast-json-stringify-compiler");
  factory = select();
});

/** Makes sure that the answers of this request's route can be written; costs nothing from the second time on. */
export async function readyToAnswer(request: FastifyRequest): Promise<void> {
  if (factory !== undefined || request.routeOptions.schema?.response === undefined) return;
  await loadFactory();
}

/** Fastify's own writer of answers, made when the first answer is written. `readyToAnswer` goes before. */
const buildSerializer: SerializerFactory = (schemas, options) => (route) => {
  let write: ((answer: unknown) => string) | undefined;
  return (answer: unknown) => {
    if (factory === undefined)
      throw new ControlPlaneError("INTERNAL", "An answer is written before its writer was loaded.", {
        reason: "NO_WRITER",
      });
    write ??= factory(schemas, options)(route);
    return write(answer);
  };
};

type Controller = NonNullable<FastifyServerOptions["schemaController"]>;
type Compilers = NonNullable<Controller["compilersFactory"]>;

/** Fastify's types know no compiler but Ajv's. */
const buildValidator = (() => compileValidator) as unknown as NonNullable<Compilers["buildValidator"]>;

/** What Fastify asks for compilers. Without it Fastify loads two libraries at every start, of which one is never used. */
export const ROUTE_SCHEMAS: Controller = { compilersFactory: { buildValidator, buildSerializer } };
