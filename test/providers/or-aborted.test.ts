import { expect, it } from 'vitest';
import { orAborted } from '../../src/providers/or-aborted.js';

it('does not let work that fails later end the process when its caller had already gone', async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', hear);
  const late = Promise.reject(new Error('late'));
  await expect(orAborted(late, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});
