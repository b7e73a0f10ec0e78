import { randomBytes } from 'node:crypto';

/** Crockford's base32 in lower case: no `i`, `l`, `o`, `u`, so that an id survives being read aloud. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

export type IdKind = 'job' | 'asset';

/** `job_` or `asset_` and 26 characters: 128 random bits, most significant first. Nobody can guess one. */
export function newId(kind: IdKind): string {
  let bits = BigInt(`0x${randomBytes(16).toString('hex')}`);
  let text = '';
  for (let place = 0; place < 26; place++) {
    text = DIGITS.charAt(Number(bits & 31n)) + text;
    bits >>= 5n;
  }
  return `${kind}_${text}`;
}

// 26 characters hold 130 bits, so the first one is at most 7.
const BODY = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Whether `text` has the form of an id of this kind; it says nothing about existence. */
export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${kind}_`) && BODY.test(text.slice(kind.length + 1));
}
