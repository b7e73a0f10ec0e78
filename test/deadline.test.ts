import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { deadline } from '../src/deadline.js';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const fired = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason));
  });

describe('a deadline', () => {
  it('fires after its time although garbage was collected meanwhile', async () => {
    const waiting = fired(deadline(60, new AbortController().signal).signal);
    collect();
    expect(await waiting).toMatchObject({ name: 'TimeoutError' });
  });

  it('fires with the other signal, for its reason', async () => {
    const parent = new AbortController();
    const { signal } = deadline(60_000, parent.signal);
    const waiting = fired(signal);
    parent.abort('the user said stop');
    expect(await waiting).toBe('the user said stop');
    expect(deadline(60_000, parent.signal).signal.reason).toBe('the user said stop');
  });

  it('that has ended fires no more', async () => {
    const parent = new AbortController();
    const { signal, end } = deadline(5, parent.signal);
    end();
    parent.abort();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(signal.aborted).toBe(false);
  });
});
