// undici behind a module of our own, to be loaded with the first request that leaves the process: it takes as long to load as Node
// itself takes to start.
export { Agent, request } from "undici";
