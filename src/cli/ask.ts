import { createInterface } from 'node:readline';
import type { Answer, Ask } from '../jobs/consent.js';
import { plain } from './text.js';

/** Where a person sits: questions are written to `output`, which is not the stream of the results. */
export interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream & { isTTY?: boolean };
}

/**
 * How a command asks before it buys; `undefined` where nobody sits at a terminal.
 *
 * @param yes it was agreed to beforehand
 */
export function terminalAsk(
  yes: boolean,
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Ask | undefined {
  if (yes) return () => Promise.resolve({ kind: 'yes' });
  if (!terminal.input.isTTY || !terminal.output.isTTY) return undefined;
  return ({ text }) => askOnce(terminal, text);
}

/** Only a clear yes is one; Ctrl-C and Ctrl-D close the question. */
function askOnce({ input, output }: Terminal, text: string): Promise<Answer> {
  const prompt = createInterface({ input, output });
  return new Promise<Answer>((resolve) => {
    prompt.once('SIGINT', () => prompt.close());
    const dismiss = (): void => {
      output.write('\n');
      resolve({ kind: 'dismissed' });
    };
    prompt.once('close', dismiss);
    prompt.question(`${plain(text)} [y/N] `, (typed) => {
      prompt.off('close', dismiss).close();
      resolve({ kind: /^\s*y(es)?\s*$/i.test(typed) ? 'yes' : 'no' });
    });
  });
}
