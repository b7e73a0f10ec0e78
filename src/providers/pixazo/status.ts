import { isRecord } from '../../json.js';
import { plainText } from '../json-api.js';

/** A status of Pixazo, in either of the shapes that its documents show. */

export type PixazoStatus =
  | { state: 'queued' | 'running' }
  | { state: 'completed'; files: PixazoFile[] }
  /** `error` is Pixazo's own fault and not charged; of `failed` nobody says what it costs. */
  | { state: 'failed' | 'error' | 'cancelled'; message: string | undefined };

export interface PixazoFile {
  url: string;
  /** As Pixazo says, which is often wrong (`model/glb`). */
  mediaType: string | undefined;
}

const QUEUED: ReadonlySet<string> = new Set(['queued', 'pending', 'in_queue']);
const COMPLETED: ReadonlySet<string> = new Set(['completed', 'succeeded', 'success', 'ready', 'done']);
const ENDS: ReadonlyMap<string, 'failed' | 'error' | 'cancelled'> = new Map([
  ['failed', 'failed'],
  ['error', 'error'],
  ['cancelled', 'cancelled'],
  ['canceled', 'cancelled'],
]);

/** Undefined for what is no status at all. A state that is not known means that the job is not done. */
export function readStatus(value: unknown): PixazoStatus | undefined {
  if (!isRecord(value) || typeof value['status'] !== 'string') return undefined;
  const state = value['status'].trim().toLowerCase();
  if (COMPLETED.has(state)) return { state: 'completed', files: filesOf(value) };
  const end = ENDS.get(state);
  if (end !== undefined) {
    const { error, message } = value;
    const why = plainText(error) ?? plainText(isRecord(error) && error['message']) ?? plainText(message);
    return { state: end, message: why };
  }
  return { state: QUEUED.has(state) ? 'queued' : 'running' };
}

/** `output.media_url`, a list or one text; the other documents have `output_url` or `url`, with or without `output`. */
function filesOf(value: Record<string, unknown>): PixazoFile[] {
  const { output } = value;
  for (const place of [isRecord(output) ? output : { url: output }, value]) {
    for (const name of ['media_url', 'output_url', 'url']) {
      const given = place[name];
      const urls = (Array.isArray(given) ? given : [given]).filter(
        (url) => typeof url === 'string' && url.trim() !== '',
      );
      const mediaType = place['media_type'];
      if (urls.length === 0) continue;
      return urls.map((url) => ({
        url: String(url).trim(),
        mediaType: typeof mediaType === 'string' ? mediaType : undefined,
      }));
    }
  }
  return [];
}
