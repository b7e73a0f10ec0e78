import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeError } from '../test/fuzz/findings.js';
import { hunt, type Hunted, MAX_HANG_MS, MAX_RSS_BYTES } from '../test/fuzz/hunt.js';
import { loadTarget, targetNames } from '../test/fuzz/targets.js';

/**
 * Feeds every parser of outside bytes with what nobody should send, guided by the code that it reaches.
 *
 * `npm run fuzz -- [TARGET …] [--minutes 10] [--seed N]`, `npm run fuzz -- TARGET --replay FILE`
 */

const OUT = fileURLToPath(new URL('../out/fuzz/', import.meta.url));

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      replay: { type: 'string' },
    },
  });
  const known = await targetNames();
  const names = positionals.length > 0 ? positionals : known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`There is no target ${unknown}; there are ${known.join(', ')}.`);
  if (values.replay !== undefined) return replay(names, values.replay);

  const seconds = 60 * Number(values.minutes);
  console.log(`${names.length} targets, ${values.minutes} min each, seed ${values.seed}`);
  console.log(row('target', 'execs', 'execs/s', 'blocks', 'corpus', 'slowest', 'memory', 'findings'));
  const all: Hunted[] = [];
  for (const name of names) {
    const hunted = await hunt(name, { seconds, seed: Number(values.seed), outDir: OUT });
    all.push(hunted);
    console.log(
      row(
        name,
        String(hunted.execs),
        (hunted.execs / hunted.seconds).toFixed(0),
        String(hunted.blocks),
        String(hunted.corpus),
        `${Math.round(hunted.slowestMs)} ms`,
        `${Math.round(hunted.rssBytes / 1024 ** 2)} MB`,
        String(hunted.findings.length),
      ),
    );
    for (const { kind, summary, file } of hunted.findings) {
      console.log(`  ${kind}: ${summary}`);
      console.log(`    npm run fuzz -- ${name} --replay ${path.relative(process.cwd(), file)}`);
    }
  }
  const count = (kind: string): number =>
    all.flatMap(({ findings }) => findings).filter((finding) => finding.kind === kind).length;
  console.log(
    `${all.length} targets, ${all.reduce((sum, { execs }) => sum + execs, 0)} inputs: ${count('crash')} crashes, ` +
      `${count('hang')} hangs over ${MAX_HANG_MS / 1000} s, ${count('memory')} over ${MAX_RSS_BYTES / 1024 ** 2} MB`,
  );
  return all.every(({ findings }) => findings.length === 0);
}

async function replay([name = '', ...more]: string[], file: string): Promise<boolean> {
  if (more.length > 0) throw new Error('Say which target the file is for.');
  const target = await loadTarget(name);
  const bytes = new Uint8Array(await readFile(file));
  const begun = performance.now();
  try {
    await target.run(bytes);
    console.log(`${name}: nothing broke, ${Math.round(performance.now() - begun)} ms`);
    return true;
  } catch (error) {
    console.log(`${name}: ${describeError(error).summary}`);
    console.log(error);
    return false;
  }
}

function row(...cells: string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(16) : cell.padStart(10))).join('');
}

process.exitCode = (await main()) ? 0 : 1;
