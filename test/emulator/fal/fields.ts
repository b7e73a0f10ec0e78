import type { Json } from '../common/json.js';

/** One input field as the endpoint's document states it. */
export type Field = Kind & {
  required?: true;
  /** `null` is as good as leaving it out. */
  nullable?: true;
  /** Only what the document states; the model decides otherwise. */
  default?: Json;
};

type Kind =
  /** A URL or data URI that the model downloads. */
  | { kind: 'file' }
  | { kind: 'files'; min?: number; max?: number }
  | { kind: 'text'; max?: number }
  | { kind: 'integer'; min?: number; max?: number }
  | { kind: 'number'; min: number; max: number }
  | { kind: 'boolean' }
  | { kind: 'integers' }
  | { kind: 'choice'; of: readonly (string | number)[] };

export type Fields = Readonly<Record<string, Field>>;

export const file = (required: 'required' | 'optional'): Field =>
  required === 'required' ? { kind: 'file', required: true } : { kind: 'file', nullable: true };

/** Integer without a stated range, which may be null: seeds and limits. */
export const anyInteger: Field = { kind: 'integer', nullable: true };

export const integer = (min: number, max: number, byDefault: number): Field => ({
  kind: 'integer',
  min,
  max,
  default: byDefault,
});

export const number = (min: number, max: number, byDefault: number): Field => ({
  kind: 'number',
  min,
  max,
  default: byDefault,
});

export const flag = (byDefault: boolean): Field => ({ kind: 'boolean', default: byDefault });

export const choice = (of: readonly (string | number)[], byDefault: string | number): Field => ({
  kind: 'choice',
  of,
  default: byDefault,
});
