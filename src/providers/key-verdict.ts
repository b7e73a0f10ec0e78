import { messageOf } from '../errors.js';
import { CallError } from './call-error.js';
import { wordsOf } from './json-api.js';
import type { KeyVerdict } from './provider.js';

/** What a harmless call with the key says of the key: also a 404 comes from behind the gate. */
export async function keyVerdict(call: () => Promise<unknown>): Promise<KeyVerdict> {
  try {
    await call();
    return { key: 'accepted' };
  } catch (error) {
    const reply = error instanceof CallError ? error.reply : undefined;
    if (reply?.status === 404) return { key: 'accepted' };
    if (reply?.status === 401 || reply?.status === 402 || reply?.status === 403) {
      return { key: 'refused', why: wordsOf(reply) ?? `HTTP ${reply.status}` };
    }
    return { key: 'unknown', why: messageOf(error) };
  }
}
