import { imageTypeOf } from '../common/fixtures/images.js';
import type { Json, JsonObject } from '../common/json.js';
import type { Fields } from '../fal/fields.js';
import { anyInteger, choice, file, flag, integer, number } from '../fal/fields.js';
import { checkInput } from '../fal/validate.js';
import type { Settings } from './settings.js';

/**
 * The request's parameters. The page gives no ranges and says that fal's endpoint stands behind it, so fal's ranges
 * hold; `tex_slat_guidance_rescale` has no default here.
 */
const FIELDS: Fields = {
  image_url: file('required'),
  seed: anyInteger,
  resolution: choice([1024, 1536], 1024),
  ss_guidance_strength: number(0, 10, 7.5),
  ss_guidance_rescale: number(0, 1, 0.7),
  ss_sampling_steps: integer(1, 50, 12),
  ss_rescale_t: number(1, 6, 5),
  shape_slat_guidance_strength: number(0, 10, 7.5),
  shape_slat_guidance_rescale: number(0, 1, 0.5),
  shape_slat_sampling_steps: integer(1, 50, 12),
  shape_slat_rescale_t: number(1, 6, 3),
  tex_slat_guidance_strength: number(0, 10, 1),
  tex_slat_guidance_rescale: { kind: 'number', min: 0, max: 1 },
  tex_slat_sampling_steps: integer(1, 50, 12),
  tex_slat_rescale_t: number(1, 6, 3),
  mesh_scale: number(0.1, 4, 1),
  max_num_tokens: integer(4096, 131_072, 49_152),
  decimation_target: integer(5000, 2_000_000, 200_000),
  texture_size: choice([1024, 2048, 4096], 2048),
  remesh: flag(true),
};

export interface CheckedInput {
  /** Defaults filled in. */
  input: JsonObject;
  /** What is wrong, in one sentence. */
  problem: string | undefined;
  /** Accepted without a word, and without effect. */
  unknown: string[];
}

export function checkPixal3d(body: Json): CheckedInput {
  const { errors, input, unknown } = checkInput(FIELDS, body, 'strict');
  const [first] = errors;
  return { input, unknown, problem: first && `${first.loc.slice(1).join('.') || 'body'}: ${first.msg}` };
}

/**
 * What is wrong with the image's address, as far as the provider's machines can tell. URLs of other hosts are taken
 * to be fine: nothing is downloaded, but from `publicOrigins`.
 */
export async function imageProblem(
  image: Json | undefined,
  { dataUris, publicOrigins }: Settings,
): Promise<string | undefined> {
  if (typeof image !== 'string') return undefined;
  if (image.startsWith('data:')) {
    return dataUris === 'accepted' ? undefined : 'image_url must be a publicly accessible URL';
  }
  const url = URL.canParse(image) ? new URL(image) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return 'image_url must be a publicly accessible URL';
  if (publicOrigins.includes(url.origin)) {
    const answer = await fetch(url, { redirect: 'manual' });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return answer.status === 200 && imageTypeOf(bytes) ? undefined : 'Failed to download the image';
  }
  return isPrivate(url.hostname) ? 'Failed to download the image' : undefined;
}

function isPrivate(hostname: string): boolean {
  return /^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[)/.test(hostname);
}
