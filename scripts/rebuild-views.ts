// `rebuild-views.ts [VIEW…]`: a program of its own, so that no service starts with more files for it. In the image it is a job's.
import { rebuildViews } from "./compose/rebuild-views.ts";

process.exitCode = await rebuildViews(process.argv.slice(2));
