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
  download: () => import('./download.js').then(() => undefined),
  follow: () => import('./follow.js').then(({ benchFollow }) => benchFollow()),
};

const asked = process.argv.slice(2).filter((name) => name in all);
for (const name of asked.length > 0 ? asked : Object.keys(all)) await all[name]?.();
