// `signalbox github-app …`: the GitHub App as a manifest, and its creation from the code that GitHub gives.
import { existsSync } from "node:fs";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { CommandError, EXIT } from "../exit.ts";
import { type CommandContext, printer } from "../output.ts";

const STATE = ".signalbox/default";
/** File of the state folder that names the App; it holds no secret. */
export const GITHUB_APP_FILE = "github-app.json";

function requireHttps(url: string): string {
  if (URL.canParse(url) && new URL(url).protocol === "https:") return url;
  throw new CommandError(
    EXIT.usage,
    `--url is ${JSON.stringify(url)}: write it like https://signalbox.example.com.`,
  );
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** A page whose one button hands the manifest to GitHub, which takes it only from a form. */
function pageOf(manifest: string, action: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Signalbox GitHub App</title>
<form action="${escaped(action)}" method="post">
<input type="hidden" name="manifest" value="${escaped(manifest)}"><button>Create the GitHub App</button></form>
`;
}

function nextSteps(page: string | undefined): string {
  const first =
    page === undefined
      ? "Print a page with --page app.html, open it in a browser, and press its button."
      : `Open ${page} in a browser and press its button.`;
  return [
    `1. ${first}`,
    "2. GitHub asks for a name and leads back to --url?code=…: copy the code. It is good once, for an hour.",
    "3. signalbox github-app create --code CODE",
  ].join("\n");
}

/** Writes a file that only its owner can read, and that was not there. */
async function writeSecret(path: string, content: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

interface ManifestChoice {
  readonly url: string;
  readonly name: string;
  readonly organization?: string;
  readonly page?: string;
  readonly githubUrl: string;
}

function addManifest(group: Command, context: CommandContext): void {
  group
    .command("manifest")
    .description("Print the manifest of a GitHub App with the least rights that are needed")
    .requiredOption("--url <https url>", "where GitHub reaches this control plane")
    .option("--name <name>", "name of the App", "signalbox")
    .option("--organization <login>", "the organisation that is to own it (default: you)")
    .option("--page <file>", "write a page with a button that hands it to GitHub")
    .option("--github-url <url>", "of GitHub Enterprise Server", "https://github.com")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox github-app manifest --url https://signalbox.example.com --page app.html",
    )
    .action(async (choice: ManifestChoice, command: Command) => {
      const { appManifest } = await import("../../shared/adapters/github/manifest.ts");
      const manifest = appManifest({ name: choice.name, url: requireHttps(choice.url) });
      const { organization, page, githubUrl } = choice;
      const owner = organization === undefined ? "" : `/organizations/${encodeURIComponent(organization)}`;
      if (page !== undefined)
        await writeFile(page, pageOf(JSON.stringify(manifest), `${githubUrl}${owner}/settings/apps/new`));
      printer(command, context)(manifest, `${JSON.stringify(manifest, null, 2)}\n\n${nextSteps(page)}`);
    });
}

function addCreate(group: Command, context: CommandContext): void {
  group
    .command("create")
    .description("Exchange the code that GitHub gave for the App, and keep its secrets in the state folder")
    .requiredOption("--code <code>", "from the address that GitHub led back to")
    .option("--api-url <url>", "of GitHub Enterprise Server: https://HOST/api/v3", "https://api.github.com")
    .addHelpText("after", "\nExamples:\n  $ signalbox github-app create --code 1a2b3c")
    .action(async ({ code, apiUrl }: { code: string; apiUrl: string }, command: Command) => {
      const { state = STATE } = command.optsWithGlobals<{ state?: string }>();
      const secrets = join(state, "secrets");
      const paths = { key: join(secrets, "github-app-key"), hook: join(secrets, "github-webhook") };
      // GitHub hands the secrets out once: first make sure that there is a place for them.
      for (const path of [paths.key, join(state, GITHUB_APP_FILE)])
        if (existsSync(path))
          throw new CommandError(EXIT.refused, `${path} is there already: move it away to use another App.`);
      await mkdir(secrets, { recursive: true, mode: 0o700 });
      const { convertManifest } = await import("../../shared/adapters/github/manifest.ts");
      const app = await convertManifest({ code, baseUrl: apiUrl, clock: systemClock }).catch(
        (error: unknown) => {
          if (!(error instanceof ControlPlaneError)) throw error;
          const isGone = error.code === "NOT_FOUND";
          const why = isGone
            ? "GitHub does not know this code: it is good once, for an hour. Start again."
            : error.message;
          throw new CommandError(isGone ? EXIT.notFound : EXIT.refused, why, error);
        },
      );
      await writeSecret(paths.key, app.pem);
      // The secret of a webhook that was set up by hand goes on for a while, as `previous`.
      const hook = existsSync(paths.hook) ? `${paths.hook}.new` : paths.hook;
      await writeSecret(hook, app.webhook_secret);
      const kept = { appId: app.id, slug: app.slug, apiUrl };
      await writeSecret(join(state, GITHUB_APP_FILE), `${JSON.stringify(kept)}\n`);
      const rename =
        hook === paths.hook
          ? []
          : [`Move ${paths.hook} to ${paths.hook}.previous and ${hook} to ${paths.hook}.`];
      const words = [
        `Created the GitHub App ${app.slug} (${app.id}). Its secrets are in ${secrets}.`,
        ...rename,
        `Install it on your repositories: ${app.html_url}/installations/new`,
        "Then: signalbox doctor",
      ];
      printer(command, context)(kept, words.join("\n"));
    });
}

/** Adds the group. */
export function addGithubApp(program: Command, context: CommandContext): void {
  const group = program
    .command("github-app")
    .description("Set up the GitHub App of this control plane")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox github-app manifest --url https://signalbox.example.com --page app.html",
    );
  addManifest(group, context);
  addCreate(group, context);
}
