// What `signalbox workflows` says to mistakes of the person who calls it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../cli/exit.ts";
import { temporaryFolder } from "../support/folder.ts";
import { callCli } from "./call-cli.ts";

/** A command line over files in a fresh folder; `{}` in a word stands for the folder. */
function shell(files: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const call = async (words: readonly string[]) => {
    const { code, out, err } = await callCli(words.map((word) => word.replaceAll("{}", folder)));
    const plain = (text: string): string => text.replaceAll(`${folder}/`, "");
    return { exit: code, out: plain(out), err: plain(err) };
  };
  return { call };
}

describe("mistakes of the person", () => {
  test("a file that is missing does not hide the problems of the others, also in JSON", async () => {
    const { call } = shell({ "two.yaml": "- a:\n    return: ${missing}\n" });
    const { exit, out } = await call(["--json", "workflows", "check", "{}/one.yaml", "{}/two.yaml"]);
    expect(exit).toBe(EXIT.notFound);
    const { ok, problems } = JSON.parse(out) as { ok: boolean; problems: { file: string; rule: string }[] };
    expect([ok, problems.map(({ file, rule }) => `${file} ${rule}`)]).toEqual([
      false,
      ["one.yaml file-not-found", "two.yaml unknown-variable"],
    ]);
  });

  test("a cassette that cannot be written is told before the world is asked anything", async () => {
    const { call } = shell({ "says.yaml": "- a:\n    call: sys.log\n    args: {text: it runs}\n" });
    const { exit, err } = await call(["workflows", "run", "{}/says.yaml", "--record", "{}/no/such/x.json"]);
    expect([exit, err]).toEqual([
      EXIT.refused,
      "The cassette no/such/x.json cannot be written: its folder does not exist. Choose another --record.\n",
    ]);
  });

  test("a workflow that is missing is told apart from one without cases", async () => {
    const { call } = shell({ "hello.yaml": "- a:\n    return: hello\n" });
    expect((await call(["workflows", "test", "{}/nobody.yaml"])).err).toMatch(
      /^The workflow nobody\.yaml does not/,
    );
    expect((await call(["workflows", "test", "{}/hello.yaml"])).err).toMatch(
      /^hello\.cases\.yaml does not exist: write/,
    );
  });

  test("the way to the help of a command is the one that works", async () => {
    const { call } = shell();
    expect((await call(["workflows", "run"])).err).toContain("(signalbox workflows run --help shows how)");
    expect((await call(["workflows", "test", "x", "--min-coverage", "101"])).err).toContain("from 0 to 100");
  });
});
