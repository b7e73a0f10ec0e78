import * as z from 'zod';
import { isRecord, type Json, type JsonObject, toJson } from '../../json.js';
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
        source: { url: file['url'], ...(isSize(size) ? { sizeBytes: size } : {}) },
      },
    ];
  });
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

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

/** Endings of URLs of what a model may be. */
const MODEL_ENDINGS = /\.(glb|gltf|fbx|obj|usdz|stl|ply|zip)$/i;
const IMAGE_ENDINGS = /\.(png|jpe?g|webp|gif|avif)$/i;

/**
 * The files of an answer that lists them without saying which is which: `{files: [{url, media_type?, kind?}], notes?}`,
 * as Pixazo and Scenario are read. Told apart by media type, then by kind, then by the ending of the URL; never by place.
 */
export function listedOutput(body: Json): Output {
  const listed = isRecord(body) && Array.isArray(body['files']) ? body['files'] : [];
  const files = listed.flatMap((file): OutputFile[] => {
    if (!isRecord(file) || typeof file['url'] !== 'string' || file['url'] === '') return [];
    const { url } = file;
    const name = nameIn(url);
    return [{ role: roleOf(file, name ?? ''), name: name ?? 'model', source: { url } }];
  });
  const model = files.find(({ role }) => role === 'model') ?? files.find(({ role }) => role === 'other');
  const notes = isRecord(body) && Array.isArray(body['notes']) ? toJson(body['notes']) : undefined;
  return {
    ...(notes === undefined ? {} : { report: { notes } }),
    files: files
      .map((file): OutputFile => {
        if (file === model) return { ...file, role: 'model' };
        return file.role === 'model' ? { ...file, role: 'other' } : file;
      })
      .toSorted((a, b) => Number(b.role === 'model') - Number(a.role === 'model')),
  };
}

function roleOf({ kind, media_type: type }: Record<string, unknown>, name: string): AssetRole {
  for (const said of [type, kind]) {
    if (typeof said !== 'string') continue;
    if (/\b3d\b|^model\//i.test(said)) return 'model';
    if (/^image\b/i.test(said)) return 'preview';
  }
  if (MODEL_ENDINGS.test(name)) return 'model';
  return IMAGE_ENDINGS.test(name) ? 'preview' : 'other';
}

/** The file name at the end of a URL's path, when it can be one. */
function nameIn(url: string): string | undefined {
  const name = URL.canParse(url) ? new URL(url).pathname.split('/').pop() : undefined;
  return name !== undefined && /^[\w-][\w.-]{0,80}$/.test(name) ? name : undefined;
}

/** Arguments under the names that Scenario gives to nearly all: camel case. */
export function camelCased(args: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
