/** JSON as a type, and the few things that are done with it everywhere. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJson(value: unknown): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return isJsonObject(value);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return isRecord(value) && Object.values(value).every(isJson);
}

/** Any value as JSON: what JSON cannot hold is left out. Null for what is nested deeper than any program can follow. */
export function toJson(value: unknown): Json {
  try {
    const text = JSON.stringify(value);
    const parsed: unknown = text === undefined ? null : JSON.parse(text);
    return isJson(parsed) ? parsed : null;
  } catch (error) {
    // The stack has an end, and what a provider sends need not.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What we say ourselves is never nested so deep; what a provider says may be, without end. */
const DEEPEST = 64;

/**
 * The same JSON with its keys as they are written outside of this program: `triangleCount` → `triangle_count`. What is
 * nested too deep is left out.
 */
export function snakeKeys(value: Json, depth = 0): Json {
  if (depth > DEEPEST) return null;
  if (Array.isArray(value)) return value.map((item) => snakeKeys(item, depth + 1));
  return isRecord(value) ? snakeObject(value, depth) : value;
}

export function snakeObject(object: JsonObject, depth = 0): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, item]) => [snakeCase(key), snakeKeys(item, depth + 1)]),
  );
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** JSON text in which equal values are equal texts: keys in order, no white space. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (isJsonObject(value)) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
