import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.js';
import { Listening } from '../../src/server/listening.js';

/** A server object that notes what it tells of. */
function serving() {
  const uris = new Set<string>();
  return {
    uris,
    subscribe: (uri: string) => {
      uris.add(uri);
      return Promise.resolve();
    },
    unsubscribe: (uri: string) => void uris.delete(uri),
    close: () => uris.clear(),
  };
}

describe('listening', () => {
  it('reaches a server object that comes after the request', () => {
    const listening = new Listening(silentLog);
    listening.begin(1, ['a', 'b']);
    const late = serving();
    listening.add(late);
    expect([...late.uris]).toEqual(['a', 'b']);
  });

  it('ends with its request, but for what another request listens to as well', () => {
    const listening = new Listening(silentLog);
    const one = serving();
    listening.add(one);
    listening.begin(1, ['a', 'b']);
    listening.begin('2', ['b']);
    listening.end(1);
    expect([...one.uris]).toEqual(['b']);
    listening.end(99);
    listening.end('2');
    expect([...one.uris]).toEqual([]);
    const late = serving();
    listening.add(late);
    expect([...late.uris]).toEqual([]);
  });

  it('does not fail when a subscription does', async () => {
    const listening = new Listening(silentLog);
    listening.add({ ...serving(), subscribe: () => Promise.reject(new Error('the data folder is gone')) });
    expect(() => listening.begin(1, ['a'])).not.toThrow();
    await Promise.resolve();
  });
});
