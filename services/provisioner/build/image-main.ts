// The entry of the image of builds: `build` and `digest` are steps of Cloud Build; without an argument an order comes through standard input.
const [, , command] = process.argv;
if (command === "build") await import("./step-main.ts");
else if (command === "digest") await import("./digest-main.ts");
else if (command === undefined) await import("./main.ts");
else
  throw new Error(
    `The image of builds knows the arguments build and digest, and no ${JSON.stringify(command)}.`,
  );
