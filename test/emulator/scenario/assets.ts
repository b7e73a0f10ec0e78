import { z } from 'zod';
import type { FileStore } from '../common/cdn.js';
import { refusal, serveFile } from '../common/cdn.js';
import type { Clock } from '../common/clock.js';
import type { Exchange, Reply } from '../common/exchange.js';
import type { Identifiers } from '../common/identifiers.js';
import type { JsonObject } from '../common/json.js';
import { parseJson, sha256 } from '../common/json.js';
import { urlExpiry } from './calendar.js';
import type { Settings } from './settings.js';

export interface Asset {
  id: string;
  name: string;
  mimeType: string;
  kind: 'image' | '3d';
  /** How it came to be: `uploaded`, or the capability that made it. */
  type: string;
  createdAt: number;
  size: number;
  /** What else its metadata tells. */
  metadata?: JsonObject;
}

interface AssetParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  files: FileStore;
  cdnOrigin: () => string;
}

const policySchema = z.object({
  Statement: z.tuple([
    z.object({ Condition: z.object({ DateLessThan: z.object({ 'AWS:EpochTime': z.number() }) }) }),
  ]),
});

const KEY_PAIR = 'KEMULATOR0001';
const SECRET = 'what only the CDN knows';

/** Assets, and the signed URLs under which their bytes can be read. */
export class Assets {
  readonly #parts: AssetParts;
  readonly #assets = new Map<string, Asset>();
  #reads = 0;

  constructor(parts: AssetParts) {
    this.#parts = parts;
  }

  get(id: string): Asset | undefined {
    return this.#assets.get(id);
  }

  all(): Asset[] {
    return [...this.#assets.values()];
  }

  add(bytes: Buffer, asset: Omit<Asset, 'id' | 'createdAt' | 'size'>): Asset {
    const { clock, ids, files } = this.#parts;
    const stored: Asset = { id: newId('asset', ids), createdAt: clock.now(), size: bytes.length, ...asset };
    files.put({ path: `/assets/${stored.id}`, bytes, contentType: asset.mimeType });
    this.#assets.set(stored.id, stored);
    return stored;
  }

  clear(): void {
    this.#assets.clear();
    this.#reads = 0;
  }

  /** The asset as the API shows it, with a URL of its own. */
  describe(
    asset: Asset,
    { originals = false, lifeMs }: { originals?: boolean; lifeMs?: number } = {},
  ): JsonObject {
    const url = this.#signed(`/assets/${asset.id}`, lifeMs);
    const made = new Date(asset.createdAt).toISOString();
    return {
      id: asset.id,
      url,
      ...(originals ? { originalFileUrl: this.#signed(`/assets/${asset.id}`, lifeMs) } : {}),
      mimeType: asset.mimeType,
      kind: asset.kind,
      metadata: { type: asset.type, kind: asset.kind, name: asset.name, size: asset.size, ...asset.metadata },
      properties: { size: asset.size },
      source: asset.type === 'uploaded' ? 'uploaded' : 'inference',
      ownerId: 'proj_emulator',
      privacy: 'private',
      status: 'success',
      tags: [],
      collectionIds: [],
      createdAt: made,
      updatedAt: made,
    };
  }

  /** GET of a file: the whole query is signed, and any change of it is refused. */
  serve(exchange: Exchange): Reply {
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return refusal(403, 'xml');
    const { path, entry } = exchange;
    const [, signed, signature] = /^\?(.*)&Signature=([0-9a-f]{64})$/.exec(entry.query) ?? [];
    if (signed === undefined || signature !== sha256(`${SECRET} ${path}?${signed}`))
      return refusal(403, 'xml');
    const policy = Buffer.from(new URLSearchParams(signed).get('Policy') ?? '', 'base64url').toString('utf8');
    const expires = policySchema.parse(parseJson(policy)).Statement[0].Condition.DateLessThan[
      'AWS:EpochTime'
    ];
    if (this.#parts.clock.now() >= expires * 1000) return refusal(403, 'xml');
    const file = this.#parts.files.get(path);
    return file ? serveFile(exchange, file) : refusal(403, 'xml');
  }

  #signed(path: string, lifeMs: number | undefined): string {
    const { settings, clock, cdnOrigin } = this.#parts;
    const life = lifeMs ?? settings.urlLifeMs;
    const expiresAt = life === undefined ? urlExpiry(clock.now()) : clock.now() + life;
    const expires = Math.floor(expiresAt / 1000);
    const policy = {
      Statement: [
        {
          Resource: `${cdnOrigin()}${path}*`,
          Condition: { DateLessThan: { 'AWS:EpochTime': expires } },
        },
      ],
    };
    // The number of the read makes every URL a new one, as after each of the real signature's rolls.
    const query = new URLSearchParams({
      r: String(++this.#reads),
      Policy: Buffer.from(JSON.stringify(policy)).toString('base64url'),
      'Key-Pair-Id': KEY_PAIR,
    }).toString();
    return `${cdnOrigin()}${path}?${query}&Signature=${sha256(`${SECRET} ${path}?${query}`)}`;
  }
}

/** `asset_` and 24 letters and digits. */
export function newId(kind: 'asset' | 'job' | 'upload', ids: Identifiers): string {
  return `${kind}_${ids.uuid().replaceAll('-', '').slice(0, 24)}`;
}
