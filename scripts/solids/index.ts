import { dev } from './dev.js';
import { held } from './held.js';
import type { Solid } from './sdf.js';
import { third } from './third.js';

export const sets = { dev, held, third } as const;
export const solids: readonly Solid[] = [...dev, ...held, ...third];

export function solidNamed(name: string): Solid {
  const found = solids.find((solid) => solid.name === name);
  if (!found) throw new Error(`There is no solid "${name}".`);
  return found;
}
