// Reads server-sent events from pieces of text, wherever the network cut them.

/** One event; without data it only says up to where everything has been told. */
export interface ReadEvent {
  /** Id of this event or of the last one that had any. */
  readonly id: string;
  readonly data: string | undefined;
}

/** A reader of one stream; give it each piece as it comes. Ids go on from `lastId`. */
export function createEventReader(lastId = ""): (piece: string) => readonly ReadEvent[] {
  let rest = "";
  let id = lastId;
  return (piece) => {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.map((block) => {
      const data: string[] = [];
      for (const line of block.split("\n")) {
        const [, field, value = ""] = /^([a-z]+): ?(.*)$/s.exec(line) ?? [];
        if (field === "id") id = value;
        if (field === "data") data.push(value);
      }
      return { id, data: data.length === 0 ? undefined : data.join("\n") };
    });
  };
}
