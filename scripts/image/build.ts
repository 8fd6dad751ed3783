// `npm run bundle -- FOLDER`: what the images hold, in FOLDER/services and FOLDER/builds. Tasks are bundled apart from the services, which
// would else share files with them and read more of them at each start.
import { join, resolve } from "node:path";
import { bundle } from "./bundle.ts";

const [folder = "dist/image"] = process.argv.slice(2);
await bundle({ main: "scripts/image/main.ts" }, join(resolve(folder), "services"));
await bundle({ "rebuild-views": "scripts/rebuild-views.ts" }, join(resolve(folder), "services", "tasks"));
await bundle({ build: "services/provisioner/build/image-main.ts" }, join(resolve(folder), "builds"));
