import { freemem } from 'node:os';
import type { Config } from '../../config.js';
import { messageOf } from '../../errors.js';
import { formatBytes } from '../../jobs/words.js';
import { type Check, fail, ok, warn } from './check.js';

/** What meshwright itself needs: the runtime, its own settings, and a generator that runs. */

const LEAST_NODE = [20, 19] as const;
/** What the generator takes at most. */
const LEAST_MEMORY = 400 * 1024 ** 2;

export function checkNode(running = process.versions.node): Check {
  const [major = 0, minor = 0] = running.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
    ? ok('Node.js', running)
    : fail('Node.js', `${running} is too old`, `Install Node.js ${LEAST_NODE.join('.')} or later.`);
}

export async function checkTools(config: Config): Promise<Check> {
  try {
    const { visibleTools } = await import('../../server/tool-list.js');
    const shown = visibleTools(config);
    return shown.length === 0
      ? warn('tools', 'MESHWRIGHT_TOOLS leaves no tool to show', 'Unset it, or name more tools.')
      : ok('tools', `${shown.length} are shown`);
  } catch (error) {
    return fail('tools', messageOf(error));
  }
}

/** Makes a small model of a ball: this loads the image library, starts a worker and runs every stage. */
export async function checkGenerator(): Promise<Check> {
  const name = 'local generator';
  if (freemem() < LEAST_MEMORY) {
    return warn(name, `not tried: only ${formatBytes(freemem())} of memory are free`, 'End other programs.');
  }
  try {
    const began = performance.now();
    const { default: sharp } = await import('sharp');
    const image = await sharp(Buffer.from(BALL)).png().toBuffer();
    const { runGenerator } = await import('../../engine/run.js');
    const { report } = await runGenerator({
      views: [{ name: 'front', image }],
      shape: 'auto',
      targetTriangles: 500,
      textureSize: 1024,
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    return ok(name, `made a test model of ${report.triangles} triangles in ${seconds} s`);
  } catch (error) {
    return fail(
      name,
      `does not run: ${messageOf(error)}`,
      'Install meshwright again for this platform (`npm ci`, without --omit=optional).',
    );
  }
}

const BALL =
  '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="#fff"/>' +
  '<circle cx="128" cy="128" r="90" fill="#c33"/></svg>';
