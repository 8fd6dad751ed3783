// What the files of a bundle say about each other.

/** Service → file, from the text of `main.js`. */
export function chunkOfService(main: string): ReadonlyMap<string, string> {
  const entries = main.matchAll(/\b([a-z]+):\s*\(\)\s*=>\s*import\("\.\/([^"]+\.js)"\)/g);
  return new Map([...entries].map(([, service = "", file = ""]) => [service, file]));
}

/** The files that a file imports, at once or later. */
export function importsOf(text: string): readonly string[] {
  const found = text.matchAll(/\b(?:from|import)\s*\(?\s*"\.\/([\w-]+\.js)"/g);
  return [...found].map(([, file = ""]) => file);
}
