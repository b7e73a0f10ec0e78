import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { terminalAsk } from '../../src/cli/ask.js';
import type { Answer } from '../../src/jobs/consent.js';

const QUESTION = { text: 'Run rodin over fal for about $1.20?\u001b[2J', about: 'it', jobId: 'job_1' };

function terminal(isTTY: boolean): { input: PassThrough; output: PassThrough; written: () => string } {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  let text = '';
  output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { input, output, written: () => text };
}

async function answerTo(typed: string | undefined): Promise<{ answer: Answer | undefined; written: string }> {
  const { input, output, written } = terminal(true);
  const answer = terminalAsk(false, { input, output })?.(QUESTION);
  if (typed === undefined) input.end();
  else input.write(typed);
  return { answer: await answer, written: written() };
}

describe('a question on a terminal', () => {
  it.each([
    ['y\n', 'yes'],
    [' YES \n', 'yes'],
    ['\n', 'no'],
    ['n\n', 'no'],
    ['yikes\n', 'no'],
    ['\u0003', 'dismissed'],
    [undefined, 'dismissed'],
  ])('takes %j for %s', async (typed, kind) => {
    const { answer, written } = await answerTo(typed);
    expect(answer).toEqual({ kind });
    expect(written).toContain('Run rodin over fal for about $1.20? [y/N] ');
  });

  it('is not asked where nobody sits, and agreed to beforehand with --yes', async () => {
    expect(terminalAsk(false, terminal(false))).toBeUndefined();
    const { input, output, written } = terminal(true);
    expect(await terminalAsk(true, { input, output })?.(QUESTION)).toEqual({ kind: 'yes' });
    expect(written()).toBe('');
  });
});
