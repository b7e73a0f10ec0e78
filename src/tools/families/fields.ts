import * as z from 'zod';
import { isRecord, type Json } from '../../json.js';
import type { AssetRole } from '../../store/types.js';
import type { Output, OutputFile } from '../../jobs/model.js';

/** Arguments and answers that many models share. */

/** Largest seed that every provider's 32-bit generators take. */
const MAX_SEED = 2_147_483_647;

export const seed = (most = MAX_SEED): z.ZodOptional<z.ZodInt> => z.int().min(0).max(most).optional();

export const between = (least: number, most: number, usual: number): z.ZodDefault<z.ZodNumber> =>
  z.number().min(least).max(most).default(usual);

export const whole = (least: number, most: number, usual: number): z.ZodDefault<z.ZodInt> =>
  z.int().min(least).max(most).default(usual);

/** The four knobs of one stage of a TRELLIS-like sampler, under the stage's prefix. */
export function sampler<Stage extends string>(
  stage: Stage,
  usual: { strength: number; rescale: number; steps: number; t: number },
): Record<
  `${Stage}_guidance_strength` | `${Stage}_guidance_rescale` | `${Stage}_rescale_t`,
  z.ZodDefault<z.ZodNumber>
> &
  Record<`${Stage}_sampling_steps`, z.ZodDefault<z.ZodInt>>;
export function sampler(
  stage: string,
  usual: { strength: number; rescale: number; steps: number; t: number },
): Record<string, z.ZodType> {
  return {
    [`${stage}_guidance_strength`]: between(0, 10, usual.strength),
    [`${stage}_guidance_rescale`]: between(0, 1, usual.rescale),
    [`${stage}_sampling_steps`]: whole(1, 50, usual.steps),
    [`${stage}_rescale_t`]: between(1, 6, usual.t),
  };
}

/**
 * A provider's file object, or a list of them, under one name. Every field but the URL may be absent or null,
 * and so may the file.
 */
function filesAt(body: Json, field: string, role: AssetRole): OutputFile[] {
  const value = isRecord(body) ? body[field] : undefined;
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => {
    const file = typeof item === 'string' ? { url: item } : item;
    if (!isRecord(file) || typeof file['url'] !== 'string' || file['url'] === '') return [];
    const { file_name: name, file_size: size } = file;
    return [
      {
        role,
        name: typeof name === 'string' && name !== '' ? name : field,
        source: { url: file['url'], ...(typeof size === 'number' && size > 0 ? { sizeBytes: size } : {}) },
      },
    ];
  });
}

/**
 * The files of a fal answer: the first of `models` that is there is the model, the others stand beside it.
 *
 * @param others roles of further fields
 */
export function falOutput(
  models: readonly [string, ...string[]],
  others: Readonly<Record<string, AssetRole>> = {},
): (body: Json) => Output {
  return (body) => {
    const found = models.flatMap((field) => filesAt(body, field, 'model'));
    const beside = Object.entries(others).flatMap(([field, role]) => filesAt(body, field, role));
    const seen = new Set<string>();
    const files = [...found, ...beside].filter(({ source }) => {
      const url = 'url' in source ? source.url : '';
      if (seen.has(url)) return false;
      seen.add(url);
      return true;
    });
    const value = isRecord(body) ? body['seed'] : undefined;
    return {
      files: files.map((file, i) => (file.role === 'model' && i > 0 ? { ...file, role: 'other' } : file)),
      ...(typeof value === 'number' && Number.isSafeInteger(value) ? { seed: value } : {}),
    };
  };
}
