// `npm run bundle -- FOLDER`: what the image holds, in FOLDER/services and FOLDER/builds.
import { join, resolve } from "node:path";
import { bundle } from "./bundle.ts";

const [folder = "dist/image"] = process.argv.slice(2);
await bundle({ main: "scripts/image/main.ts" }, join(resolve(folder), "services"));
await bundle({ build: "services/provisioner/build/image-main.ts" }, join(resolve(folder), "builds"));
