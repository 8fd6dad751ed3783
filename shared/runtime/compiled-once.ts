// A check of a schema that is compiled with the first value it is asked about: compiling takes longer than reading a thousand values.
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";

/** The compiled check, once for all callers. */
export function compiledOnce<Schema extends TSchema>(schema: Schema) {
  const compile = () => Compile(schema);
  let compiled: ReturnType<typeof compile> | undefined;
  return () => (compiled ??= compile());
}
