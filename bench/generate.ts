import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { median, table } from './measure.js';

/**
 * The local generator from a cold start: a fresh process, the built worker, pictures to GLB at the default settings.
 * Bars: 4 s for one picture and 5 s for four on two cores, 400 MB. On a busy machine the processor's time tells more
 * than the clock: with two cores to itself it takes no longer than that.
 */
const RUNS = 5;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What a child process runs; it prints its own measurements. */
const CHILD = `
const { readFileSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const [worker, ...files] = process.argv.slice(1);
const names = ['front', 'left', 'back', 'right'];
const views = files.map((file, i) => ({ name: names[i], image: new Uint8Array(readFileSync(file)) }));
const thread = new Worker(worker, { workerData: { views, shape: 'auto', targetTriangles: 20000, textureSize: 2048 }, stdout: true });
thread.on('message', async (message) => {
  if (message.type === 'progress') return;
  if (message.type !== 'done') throw new Error(message.message);
  await thread.terminate();
  const { mode, triangles, watertight } = message.value.report;
  const { user, system } = process.cpuUsage();
  process.stdout.write(JSON.stringify({ mode, triangles, watertight, bytes: message.value.glb.length, cpuSeconds: (user + system) / 1e6, peakMb: process.resourceUsage().maxRSS / 1024 }));
});
`;

const measurement = z.object({
  mode: z.string(),
  triangles: z.number(),
  watertight: z.boolean(),
  bytes: z.number(),
  cpuSeconds: z.number(),
  peakMb: z.number(),
});

export async function benchGenerate(): Promise<void> {
  const front = here('../examples/mushroom.png');
  const left = here('../examples/mushroom-left.png');
  const cases = {
    '1 picture': [front],
    '2 pictures': [front, left],
    '4 pictures': [front, left, front, left],
  };
  const rows: (string | number)[][] = [];
  for (const [name, files] of Object.entries(cases)) {
    const seconds: number[] = [];
    const cpu: number[] = [];
    let last: z.infer<typeof measurement> | undefined;
    let peakMb = 0;
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      const args = ['--eval', CHILD, here('../dist/engine-worker.js'), ...files];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      seconds.push((performance.now() - start) / 1000);
      last = measurement.parse(JSON.parse(stdout));
      cpu.push(last.cpuSeconds);
      peakMb = Math.max(peakMb, last.peakMb);
    }
    rows.push([
      name,
      last?.mode ?? '',
      median(seconds),
      Math.max(...seconds),
      median(cpu),
      peakMb,
      last?.triangles ?? 0,
      (last?.bytes ?? 0) / 1e6,
    ]);
  }
  console.log(`\nPictures to GLB from a cold start, ${RUNS} runs (bars: 4 s for one, 5 s for four, 400 MB)`);
  console.log(
    table(['input', 'mode', 'median s', 'max s', 'CPU s', 'peak RSS MB', 'triangles', 'GLB MB'], rows),
  );
}
