import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, onTestFinished } from 'vitest';
import { limited } from '../../support/limited.js';

// Below `node_modules`, so that the libraries that are not bundled are found.
const outfile = fileURLToPath(
  new URL(`../../../node_modules/.cache/store-child-${process.pid}.mjs`, import.meta.url),
);
/** A process that need not translate TypeScript starts four times as fast. */
const built = build({
  entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['libsql'],
  logLevel: 'error',
});
afterAll(() => rm(outfile, { force: true }));

export interface Helper {
  /** What it has said since it began to work. */
  said: Record<string, unknown>[];
  /** Lets it begin. */
  go: () => void;
  /** Resolves when it has said that much. */
  heard: (count: number) => Promise<void>;
  /** Resolves with the exit code, `null` after a kill. */
  ended: Promise<number | null>;
  kill: () => Promise<void>;
}

/** Starts another process on the folder, ready to begin; see `child.ts` for the tasks. */
export async function startHelper(
  task: string,
  folder: string,
  argument = '',
  { maxFileKb }: { maxFileKb?: number } = {},
): Promise<Helper> {
  await built;
  const command = [process.execPath, outfile, task, folder, argument];
  const [program = '', ...args] = limited(command, maxFileKb);
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: Record<string, unknown>[] = [];
  // What it said last may arrive after its end.
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(
    ([[code]]: [unknown[], unknown[]]) => (typeof code === 'number' ? code : null),
  );
  await once(child, 'message');
  child.on('message', (message) => said.push(Object(message)));
  return {
    said,
    ended,
    go: () => void child.send('go'),
    async heard(count) {
      const early = ended.then(() => Promise.reject(new Error(`The ${task} helper ended early.`)));
      while (said.length < count) await Promise.race([once(child, 'message'), early]);
      early.catch(() => undefined);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
