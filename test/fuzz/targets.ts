import { readdir } from 'node:fs/promises';
import { isRecord } from '../../src/json.js';
import type { Target } from './target.js';

/** The targets by name: each is one file in `targets/`. */

export async function targetNames(): Promise<string[]> {
  const files = await readdir(new URL('./targets/', import.meta.url));
  return files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3)).toSorted(); // prettier-ignore
}

export async function loadTarget(name: string): Promise<Target> {
  const module: unknown = await import(`./targets/${name}.ts`);
  const target = isRecord(module) ? module['target'] : undefined;
  if (!isTarget(target)) throw new Error(`targets/${name}.ts exports no target`);
  return target;
}

function isTarget(value: unknown): value is Target {
  return isRecord(value) && typeof value['run'] === 'function' && typeof value['seeds'] === 'function';
}
