import type { RequestId } from '@modelcontextprotocol/server';

/** The id of a JSON-RPC message that is too long to be read. */

/** Of a long message so much of either end is looked at, once. */
const ENDS_BYTES = 65_536;
/** What stands after the name of the member. */
const VALUE = /\s{0,20}:\s{0,20}("(?:[^"\\]|\\.){1,200}"|-?\d{1,16})\s{0,20}[,}]/y;
const NAME = '"id"';

/**
 * The id at the top level, not that of something nested, nor one that a text speaks of; undefined when neither end
 * has it.
 *
 * @param ends the beginning and the end of the message, or all of it
 */
export function topLevelId(ends: Buffer): RequestId | undefined {
  const head = ends.toString('latin1', 0, ENDS_BYTES);
  const tail = ends.toString('latin1', Math.max(0, ends.length - ENDS_BYTES));
  const text = idFromStart(head) ?? idFromEnd(tail);
  const id = text === undefined ? undefined : parseId(text);
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function idFromStart(json: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    if (char !== '"') continue;
    const id = depth === 1 ? idAt(json, at) : undefined;
    if (id !== undefined) return id;
    for (at++; at < json.length && json[at] !== '"'; at++) if (json[at] === '\\') at++;
  }
  return undefined;
}

/** The end of a message is outside of every text, so that it can be read backwards. */
function idFromEnd(json: string): string | undefined {
  let depth = 0;
  for (let at = json.length - 1; at >= 0; at--) {
    const char = json[at];
    if (char === '}' || char === ']') depth++;
    else if (char === '{' || char === '[') depth--;
    if (char !== '"') continue;
    for (at--; at >= 0; at--) {
      if (json[at] !== '"') continue;
      let before = at;
      while (json[before - 1] === '\\') before--;
      if ((at - before) % 2 === 0) break;
      at = before;
    }
    const id = depth === 1 ? idAt(json, at) : undefined;
    if (id !== undefined) return id;
  }
  return undefined;
}

function idAt(json: string, at: number): string | undefined {
  if (!json.startsWith(NAME, at)) return undefined;
  VALUE.lastIndex = at + NAME.length;
  return VALUE.exec(json)?.[1];
}

/** @param latin1 - a JSON literal, its bytes as characters */
function parseId(latin1: string): unknown {
  try {
    return JSON.parse(Buffer.from(latin1, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}
