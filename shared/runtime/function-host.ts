// functions-framework behind a module of ours: it brings a whole web framework along, so it is loaded once a server listens.
import type { Server } from "node:http";
import { http, type HttpFunction } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";

/** The framework's server for this function, which listens nowhere: it is given its requests. */
export function hostFunction(name: string, hosted: HttpFunction): Server {
  http(name, hosted);
  return getTestServer(name);
}
