// The entry of the image of builds: `build` is a step of Cloud Build; without an argument an order comes through standard input.
const [, , command] = process.argv;
if (command === "build") await import("./step-main.ts");
else if (command === undefined) await import("./main.ts");
else throw new Error(`The image of builds knows the argument build, and no ${JSON.stringify(command)}.`);
