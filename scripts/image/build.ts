// `npm run bundle -- FOLDER`: what the images hold, in FOLDER/services and FOLDER/builds. The programs of jobs are bundled apart from the
// services, which would else share files with them and read more of them at each start.
import { join, resolve } from "node:path";
import { readJobs } from "../compose/topology.ts";
import { bundle } from "./bundle.ts";
import { bundleServices } from "./services.ts";
import { toScripts } from "./to-scripts.ts";

const [folder = "dist/image"] = process.argv.slice(2);
const services = join(resolve(folder), "services");
await bundleServices(services);
await toScripts(services);
const jobs = Object.fromEntries(Object.keys(readJobs()).map((name) => [name, `scripts/${name}.ts`]));
await bundle(jobs, join(resolve(folder), "services", "tasks"));
await bundle({ build: "services/provisioner/build/image-main.ts" }, join(resolve(folder), "builds"));
