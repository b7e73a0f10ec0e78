import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { benchGenerate } from './generate.js';
import { benchLoop } from './loop.js';
import { benchRender } from './render.js';
import { benchStart } from './start.js';

/** `npm run bench [NAME …]`: figures and ratios against a floor in the same run. */
const all: Record<string, () => Promise<void>> = {
  start: benchStart,
  loop: benchLoop,
  generate: benchGenerate,
  render: benchRender,
  download: () => own('download.ts'),
  follow: () => import('./follow.js').then(({ benchFollow }) => benchFollow()),
  http: () => import('./http.js').then(({ benchHttp }) => benchHttp()),
  files: () => import('./files.js').then(({ benchFiles }) => benchFiles()),
  patience: () => import('./patience.js').then(({ benchPatience }) => benchPatience()),
  followers: () => import('./followers.js').then(({ benchFollowers }) => benchFollowers()),
};

const asked = process.argv.slice(2).filter((name) => name in all);
for (const name of asked.length > 0 ? asked : Object.keys(all)) await all[name]?.();

/** A benchmark that measures its own process. */
async function own(file: string): Promise<void> {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}`);
}
