import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobSchema, type JobView } from '../../src/jobs/view.js';
import { CLI, serverEnv } from '../support/clients.js';

/** Runs the built command line as a shell would. */

export const PICTURE = fileURLToPath(new URL('../../examples/mushroom.png', import.meta.url));
export const LEFT_PICTURE = fileURLToPath(new URL('../../examples/mushroom-left.png', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
}

export function start(
  dataDir: string,
  args: string[],
  options: RunOptions = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [CLI, ...args], {
    env: serverEnv(dataDir, options.env),
    cwd: options.cwd ?? path.dirname(PICTURE),
  });
}

export async function run(dataDir: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(dataDir, args, options);
  child.stdin.end();
  return outcomeOf(child);
}

export function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** What `generate --json` prints of a small model that the local generator makes. */
export async function generateSmall(dataDir: string): Promise<JobView> {
  const size = ['--target_triangles=500', '--texture_size=1024'];
  const { stdout } = await run(dataDir, [
    'generate',
    'local_image_to_3d',
    '--image_url=mushroom.png',
    ...size,
    '--json',
  ]);
  return jobSchema.parse(JSON.parse(stdout));
}
