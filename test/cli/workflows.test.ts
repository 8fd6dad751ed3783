// `signalbox workflows …` as a person meets it: what is printed where, and the exit code.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { EXIT } from "../../cli/exit.ts";
import { temporaryFolder } from "../support/folder.ts";
import { callCli } from "./call-cli.ts";

interface Printed {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line over files in a fresh folder; `{}` in a word stands for the folder. */
function shell(files: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const call = async (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Printed> => {
    const { code, out, err } = await callCli(
      words.map((word) => word.replaceAll("{}", folder)),
      { env },
    );
    const plain = (text: string): string => text.replaceAll(`${folder}/`, "");
    return { exit: code, out: plain(out), err: plain(err) };
  };
  return { folder, write, call };
}

/** A server on loopback that answers with what it was asked. */
async function serve(answer: (path: string, count: number) => { status: number; body: unknown }) {
  const seen: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ path: request.url ?? "", authorization: request.headers.authorization });
    const { status, body } = answer(request.url ?? "", seen.length);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const HELLO = `
main:
  params: [args]
  steps:
    - greet:
        return: \${"Hello " + args.name}
`;

const FAILS = `
- begin:
    raise:
      code: 55
      message: no luck
`;

/** Fetches twice with a day between and tells both. */
const FETCH = `
main:
  params: [args]
  steps:
    - first:
        try:
          call: http.get
          args:
            url: \${args.url + "/one"}
          result: one
        retry: \${http.default_retry}
    - rest:
        call: sys.sleep
        args:
          seconds: 86400
    - second:
        call: http.get
        args:
          url: \${args.url + "/two"}
          headers:
            Authorization: Bearer secret-of-the-workflow
        result: two
    - say:
        call: sys.log
        args:
          text: done
          severity: NOTICE
    - tell:
        return: \${[one.body, two.body]}
`;

describe("check", () => {
  test("accepts files that production accepts, with exit 0", async () => {
    const { call } = shell({ "hello.yaml": HELLO, "fails.yaml": FAILS });
    expect(await call(["workflows", "check", "{}/hello.yaml", "{}/fails.yaml"])).toEqual({
      exit: 0,
      out: "2 files checked: no problems.\n",
      err: "",
    });
  });

  test("names every problem of every file with its place, what is wrong and a hint, with exit 1", async () => {
    const { call } = shell({
      "one.yaml": "- a:\n    call: sys.lgo\n- b:\n    next: nowhere\n",
      "two.yaml": "- a:\n    return: ${missing}\n",
    });
    const { exit, out, err } = await call(["workflows", "check", "{}/one.yaml", "{}/two.yaml"]);
    expect(exit).toBe(EXIT.refused);
    expect(out).toMatch(/^one\.yaml:2:11: error: .*sys\.lgo.* \(.+\)$/m);
    expect(out).toMatch(/^one\.yaml:4:11: error: .*nowhere.* \(.+\)$/m);
    expect(out).toMatch(/^two\.yaml:2:\d+: error: .*missing.* \(.+\)$/m);
    expect(err).toBe("3 errors, 0 warnings in 2 files.\n");
  });

  test("prints the same for programs with --json", async () => {
    const { call } = shell({ "bad.yaml": "- a:\n    next: nowhere\n" });
    const { exit, out } = await call(["--json", "workflows", "check", "{}/bad.yaml"]);
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      problems: [
        { severity: "error", line: 2, column: 11, rule: expect.any(String), hint: expect.any(String) },
      ],
    });
    const after = await call(["workflows", "check", "{}/bad.yaml", "--json"]);
    expect(after.out).toBe(out);
  });

  test("lets warnings pass, unless they are to be refused", async () => {
    const { call } = shell({ "warns.yaml": "- a:\n    assign:\n      - x: hello-${y}\n" });
    const allowed = await call(["workflows", "check", "{}/warns.yaml"]);
    expect(allowed).toMatchObject({ exit: 0, out: expect.stringContaining("warning") as string });
    expect(await call(["workflows", "check", "--deny-warnings", "{}/warns.yaml"])).toMatchObject({ exit: 1 });
  });

  test("checks files of cases, too", async () => {
    const { call } = shell({
      "hello.cases.yaml":
        "cases:\n  - name: a\n    expext: {result: 1}\n  - name: b\n    expect: {calls: [7]}\n",
      "broken.cases.yaml": "cases: [\n",
    });
    const { exit, out } = await call(["workflows", "check", "{}/hello.cases.yaml", "{}/broken.cases.yaml"]);
    expect(exit).toBe(1);
    expect(out).toContain("hello.cases.yaml:3:13: error: cases[0].expext is not a field that is known here");
    expect(out).toContain("hello.cases.yaml:5:22: error: cases[1].expect.calls[0]");
    expect(out).toMatch(/^broken\.cases\.yaml:\d+:\d+: error: /m);
  });

  test("says which file does not exist", async () => {
    const { call } = shell();
    const { exit, err } = await call(["workflows", "check", "{}/nowhere.yaml"]);
    expect({ exit, err }).toEqual({
      exit: EXIT.notFound,
      err: "1 error, 0 warnings in 1 file.\n",
    });
  });
});

describe("run", () => {
  test("keeps every digit of a result", async () => {
    const { call } = shell({ "big.yaml": "- a:\n    return: {id: 9007199254740993, half: 0.5, list: []}\n" });
    const { out } = await call(["workflows", "run", "{}/big.yaml"]);
    expect(out).toBe('{\n  "id": 9007199254740993,\n  "half": 0.5,\n  "list": []\n}\n');
  });

  test("prints the result as JSON", async () => {
    const { call } = shell({ "hello.yaml": HELLO, "args.json": '{"name": "file"}' });
    const given = await call(["workflows", "run", "{}/hello.yaml", "--args", '{"name": "Ada"}']);
    expect(given).toEqual({ exit: 0, out: '"Hello Ada"\n', err: "" });
    const fromFile = await call(["workflows", "run", "{}/hello.yaml", "--args", "@{}/args.json"]);
    expect(fromFile.out).toBe('"Hello file"\n');
  });

  test("prints an uncaught error to stderr in the shape of production, with exit 1", async () => {
    const { call } = shell({ "fails.yaml": FAILS });
    const { exit, out, err } = await call(["workflows", "run", "{}/fails.yaml"]);
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
    const { state, error } = JSON.parse(err) as {
      state: string;
      error: { payload: string; context: string };
    };
    expect(state).toBe("FAILED");
    expect(JSON.parse(error.payload)).toEqual({ code: 55, message: "no luck" });
    expect(error.context).toContain('in step "begin", routine "main", line: 2');
    expect(error).toMatchObject({ stackTrace: { elements: [{ step: "begin", routine: "main" }] } });
  });

  test("makes real calls, retries them and sleeps for a day in virtual time", async () => {
    const { url, seen } = await serve((path, count) => ({ status: count === 1 ? 503 : 200, body: { path } }));
    const { call } = shell({ "fetch.yaml": FETCH });
    const args = JSON.stringify({ url });
    const { exit, out, err } = await call([
      "workflows",
      "run",
      "{}/fetch.yaml",
      "--args",
      args,
      "--virtual-time",
    ]);
    expect({ exit, out: JSON.parse(out) as unknown, err }).toEqual({
      exit: 0,
      out: [{ path: "/one" }, { path: "/two" }],
      err: "NOTICE done\n",
    });
    expect(seen.map(({ path }) => path)).toEqual(["/one", "/one", "/two"]);
  });

  test("records what the world answered, without secrets, and runs again from it alone", async () => {
    const { url, seen } = await serve((path) => ({ status: 200, body: { path } }));
    const { call, folder } = shell({ "fetch.yaml": FETCH });
    const args = JSON.stringify({ url });
    const record = ["--virtual-time", "--record", "{}/fetch.cassette.json"];
    const recorded = await call(["workflows", "run", "{}/fetch.yaml", "--args", args, ...record]);
    expect(readFileSync(join(folder, "fetch.cassette.json"), "utf8")).not.toContain("secret-of-the-workflow");
    const replayed = await call(["workflows", "run", "{}/fetch.yaml", "--replay", "{}/fetch.cassette.json"]);
    expect(replayed).toMatchObject({ exit: 0, out: recorded.out });
    expect(seen.length).toBe(2);
  });

  test("names the step where a run departs from its cassette", async () => {
    const { url } = await serve((path) => ({ status: 200, body: { path } }));
    const { call, write } = shell({ "fetch.yaml": FETCH });
    const cassette = ["--record", "{}/fetch.cassette.json"];
    await call([
      "workflows",
      "run",
      "{}/fetch.yaml",
      "--args",
      JSON.stringify({ url }),
      "--virtual-time",
      ...cassette,
    ]);
    write("fetch.yaml", FETCH.replace("/two", "/three"));
    const { exit, err } = await call([
      "workflows",
      "run",
      "{}/fetch.yaml",
      "--replay",
      "{}/fetch.cassette.json",
    ]);
    expect(exit).toBe(1);
    expect(err).toContain('step "second" (line 16)');
    expect(err).toContain("record it again");
  });

  test("shows steps and calls with --trace, on stderr", async () => {
    const { url } = await serve((path) => ({ status: 200, body: { path } }));
    const { call } = shell({ "fetch.yaml": FETCH });
    const args = JSON.stringify({ url });
    const { err } = await call([
      "workflows",
      "run",
      "{}/fetch.yaml",
      "--args",
      args,
      "--virtual-time",
      "--trace",
    ]);
    for (const line of [
      "main.first (try, line 5)",
      `  → GET ${url}/one`,
      "  ← 200",
      "main.tell (return, line 28)",
    ])
      expect(err.split("\n")).toContain(line);
  });

  test("sends a token only where its audience is, and says how to bring one", async () => {
    const { url, seen } = await serve(() => ({ status: 200, body: {} }));
    const { call } = shell({
      "auth.yaml": `
main:
  params: [args]
  steps:
    - ask:
        call: http.get
        args: {url: "\${args.url}", auth: {type: OIDC, audience: "\${args.audience}"}}
    - over:
        return: \${args.url}
`,
    });
    const go = (audience: string, env: NodeJS.ProcessEnv) =>
      call(["workflows", "run", "{}/auth.yaml", "--args", JSON.stringify({ url, audience })], env);
    expect(await go(url, { SIGNALBOX_IDENTITY_TOKEN: "t0k3n" })).toMatchObject({ exit: 0 });
    expect(seen[0]?.authorization).toBe("Bearer t0k3n");
    const elsewhere = await go("https://other.example", { SIGNALBOX_IDENTITY_TOKEN: "t0k3n" });
    expect(elsewhere).toMatchObject({ exit: 1, err: expect.stringContaining("AuthError") as string });
    const without = await go(url, {});
    expect(without.err).toContain("SIGNALBOX_IDENTITY_TOKEN");
    expect(seen.length).toBe(1);
  });

  test("waits for callbacks on loopback and says where", async () => {
    const { call } = shell({
      "callback.yaml": `
- make:
    call: events.create_callback_endpoint
    args: {http_callback_method: POST}
    result: endpoint
- tell:
    call: http.post
    args: {url: '\${sys.get_env("TELL")}', body: "\${endpoint.url}"}
- wait:
    call: events.await_callback
    args: {callback: "\${endpoint}", timeout: 60}
    result: answer
- over:
    return: \${answer.http_request.body.approved}
`,
    });
    const posted: Promise<Response>[] = [];
    const server = createServer((request, response) => {
      request.on("data", (chunk: Buffer) => {
        const url = JSON.parse(chunk.toString("utf8")) as string;
        const body = JSON.stringify({ approved: true });
        posted.push(fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } }));
      });
      request.on("end", () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const tell = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { exit, out, err } = await call(["workflows", "run", "{}/callback.yaml", "--env", `TELL=${tell}`]);
    expect({ exit, out }).toEqual({ exit: 0, out: "true\n" });
    expect(err).toMatch(/^Step wait waits for http:\/\/127\.0\.0\.1:\d+\/callbacks\/\S+ until /);
    expect((await posted[0])?.status).toBe(200);
  });

  test("refuses arguments that are no JSON, options that exclude each other, and files that do not check", async () => {
    const { call } = shell({ "hello.yaml": HELLO, "bad.yaml": "- a:\n    next: nowhere\n", "no.json": "{}" });
    const args = await call(["workflows", "run", "{}/hello.yaml", "--args", "{name: Ada}"]);
    expect(args).toMatchObject({
      exit: EXIT.usage,
      err: expect.stringContaining("--args is no JSON") as string,
    });
    const both = await call(["workflows", "run", "{}/hello.yaml", "--record", "a", "--replay", "b"]);
    expect(both).toMatchObject({ exit: EXIT.usage, err: expect.stringContaining("choose one") as string });
    const bad = await call(["workflows", "run", "{}/bad.yaml"]);
    expect(bad).toMatchObject({ exit: 1, err: expect.stringMatching(/^bad\.yaml:2:11: error: /) as string });
    const cassette = await call(["workflows", "run", "{}/hello.yaml", "--replay", "{}/no.json"]);
    expect(cassette).toMatchObject({ exit: 1, err: expect.stringContaining("is no cassette") as string });
    const pair = await call(["workflows", "run", "{}/hello.yaml", "--env", "=x"]);
    expect(pair).toMatchObject({ exit: EXIT.usage, err: expect.stringContaining("NAME=VALUE") as string });
  });
});
