/** What a JSON text would cost to parse and to check, seen before either is done. */

/** A call of ours has five levels; what is nested by the thousand ends the stack of whoever walks it. */
const MOST_LEVELS = 64;
/** A call of ours has some hundred; tens of thousands are only there to keep a server busy. */
const MOST_PARTS = 50_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_LIST, CLOSE_LIST] = [0x5b, 0x5d];
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d];

/**
 * Counts levels and parts (lists, objects, texts, commas) in one pass over the bytes. A text counts as one part
 * however long it is, such as an image in base64.
 *
 * @returns a sentence that says what to send instead; `undefined` where nothing is wrong, or it is no JSON at all
 */
export function wrongShape(json: Buffer): string | undefined {
  let levels = 0;
  let parts = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) {
      parts++;
      at = endOfText(json, at);
    } else if (byte === COMMA) parts++;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      parts++;
      levels++;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) levels--;
    if (levels > MOST_LEVELS) {
      return `The message is nested more than ${MOST_LEVELS} levels deep. Send the arguments as the schema of the tool has them.`;
    }
    if (parts > MOST_PARTS) {
      return `The message has more than ${MOST_PARTS} lists, objects, texts and commas. Send less at once, and an image as one text (base64) or as an https URL.`;
    }
  }
  return undefined;
}

/** Where the text that begins at this quote has its other one. */
function endOfText(json: Buffer, start: number): number {
  // Most texts have no escapes before their end; a search for one byte is much faster than a loop.
  const next = json.indexOf(QUOTE, start + 1);
  if (next < 0 || json[next - 1] !== BACKSLASH) return next < 0 ? json.length : next;
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
