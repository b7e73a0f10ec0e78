import { z } from 'zod';
import { refusal } from '../common/cdn.js';
import type { Clock } from '../common/clock.js';
import type { Exchange, Reply } from '../common/exchange.js';
import { jsonReply } from '../common/exchange.js';
import { imageTypeOf } from '../common/fixtures/images.js';
import type { Identifiers } from '../common/identifiers.js';
import type { JsonObject } from '../common/json.js';
import { parseJson } from '../common/json.js';
import type { Answers } from './answers.js';
import type { Assets } from './assets.js';
import { newId } from './assets.js';
import type { ParsedScenarioAction, UploadPlan } from './plan.js';
import type { Settings } from './settings.js';

export interface Upload {
  id: string;
  jobId: string;
  fileName: string;
  contentType: string;
  kind: 'image' | '3d';
  fileSize: number;
  createdAt: number;
  plan: UploadPlan;
  urlsExpireAt: number;
  token: string;
  partCount: number;
  received: Map<number, Buffer>;
  completedAt?: number;
  /** When validation is over. */
  dueAt?: number;
  failure?: string;
  assetId?: string;
}

interface UploadParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  answers: Answers;
  assets: Assets;
  storageOrigin: () => string;
}

const createSchema = z.object({
  fileName: z.string().min(1),
  fileSize: z.number().int().min(1),
  contentType: z.string().min(1),
  kind: z.enum(['image', '3d']),
  parts: z.number().int().min(1).max(10_000),
});

const PART_PATH = /^\/uploads\/([^/]+)\/(\d+)$/;

/** Large files: announced, sent in parts to another host without a key, completed, validated, imported. */
export class Uploads {
  readonly #parts: UploadParts;
  readonly #uploads = new Map<string, Upload>();

  constructor(parts: UploadParts) {
    this.#parts = parts;
  }

  all(): Upload[] {
    return [...this.#uploads.values()];
  }

  clear(): void {
    this.#uploads.clear();
  }

  create(exchange: Exchange, actions: readonly ParsedScenarioAction[]): Reply {
    const { settings, clock, ids, answers } = this.#parts;
    const { data, error } = createSchema.safeParse(parseJson(exchange.body.toString('utf8')));
    if (error) return answers.reason(400, `Invalid upload: ${error.issues[0]?.path.join('.') ?? 'body'}.`);
    const plan: UploadPlan = {};
    for (const action of actions) if (action.type === 'upload') Object.assign(plan, action);
    const { parts: partCount, ...file } = data;
    const upload: Upload = {
      ...file,
      id: newId('upload', ids),
      jobId: newId('job', ids),
      createdAt: clock.now(),
      plan,
      urlsExpireAt: clock.now() + (plan.partUrlLifeMs ?? settings.partUrlLifeMs),
      token: ids.token(),
      partCount,
      received: new Map(),
    };
    this.#uploads.set(upload.id, upload);
    return jsonReply(200, { upload: this.#describe(upload) });
  }

  read({ requestId = '' }: Exchange): Reply {
    const upload = this.#uploads.get(requestId);
    return upload ? jsonReply(200, { upload: this.#describe(upload) }) : this.#unknown(requestId);
  }

  /** `{action: "complete"}`: no list of parts, no etags. */
  complete({ requestId = '', body }: Exchange): Reply {
    const { answers, clock, settings } = this.#parts;
    const upload = this.#uploads.get(requestId);
    if (!upload) return this.#unknown(requestId);
    const { data } = z.object({ action: z.literal('complete') }).safeParse(parseJson(body.toString('utf8')));
    if (!data) return answers.reason(400, 'Unknown action.');
    if (upload.completedAt === undefined) {
      upload.completedAt = clock.now();
      const { validateMs = settings.validateMs } = upload.plan;
      upload.dueAt = validateMs === 'never' ? Infinity : clock.now() + validateMs;
      clock.at(upload.dueAt, () => this.#import(upload));
      const flaw = this.#flaw(upload);
      if (flaw !== undefined) upload.failure = flaw;
      clock.settle();
    }
    return jsonReply(200, { upload: this.#describe(upload) });
  }

  /** `PUT` of raw bytes to a part's URL. */
  receive(exchange: Exchange): Reply {
    const [, id = '', number = ''] = PART_PATH.exec(exchange.path) ?? [];
    const upload = this.#uploads.get(id);
    // As object stores do: a signed URL and a key at once are one too many.
    if (exchange.headers.authorization !== undefined) {
      exchange.entry.warnings.push('credentials sent to another origin');
      return refusal(403, 'xml');
    }
    const signed = exchange.method === 'PUT' && exchange.query.get('X-Amz-Signature') === upload?.token;
    if (!upload || !signed || this.#parts.clock.now() >= upload.urlsExpireAt) return refusal(403, 'xml');
    const part = Number(number);
    if (part < 1 || part > upload.partCount) return refusal(404, 'xml');
    upload.received.set(part, exchange.body);
    return { status: 200, headers: { etag: `"${part}"` } };
  }

  /** The job that stands for an upload in the list of jobs. */
  jobOf(upload: Upload): JsonObject {
    const status = this.#statusOf(upload);
    const over = status === 'imported' ? 'success' : status === 'failed' ? 'failure' : 'in-progress';
    const made = new Date(upload.createdAt).toISOString();
    return {
      jobId: upload.jobId,
      jobType: 'upload',
      status: over,
      progress: over === 'success' ? 1 : 0,
      metadata: {
        input: { fileName: upload.fileName, kind: upload.kind },
        output: upload.assetId === undefined ? {} : { entityId: upload.assetId },
        ...(over === 'failure' ? { error: upload.failure ?? '' } : {}),
      },
      billing: { cuCost: 0, cuDiscount: 0 },
      statusHistory: [],
      createdAt: made,
      updatedAt: made,
    };
  }

  #unknown(id: string): Reply {
    return this.#parts.answers.reason(404, `Upload ${id} not found.`);
  }

  #describe(upload: Upload): JsonObject {
    const pending = upload.completedAt === undefined;
    const status = this.#statusOf(upload);
    return {
      id: upload.id,
      jobId: upload.jobId,
      fileName: upload.fileName,
      fileSize: upload.fileSize,
      contentType: upload.contentType,
      kind: upload.kind,
      status,
      entityId: upload.assetId ?? null,
      ...(status === 'failed' ? { errorMessage: upload.failure ?? '' } : {}),
      ...(pending ? { parts: this.#partUrls(upload) } : {}),
    };
  }

  #partUrls(upload: Upload): JsonObject[] {
    const expires = new Date(upload.urlsExpireAt).toISOString();
    const origin = this.#parts.storageOrigin();
    return Array.from({ length: upload.partCount }, (_, i) => ({
      number: i + 1,
      url: `${origin}/uploads/${upload.id}/${i + 1}?X-Amz-Signature=${upload.token}`,
      expires,
    }));
  }

  #statusOf(upload: Upload): string {
    const { completedAt, dueAt = Infinity } = upload;
    if (completedAt === undefined) return 'pending';
    const now = this.#parts.clock.now();
    if (now >= dueAt) return upload.assetId === undefined ? 'failed' : 'imported';
    const part = Number.isFinite(dueAt) ? (now - completedAt) / (dueAt - completedAt) : 0;
    // Validation fails before the import begins.
    if (part >= 0.5 && upload.failure !== undefined && upload.plan.failure !== 'import') return 'failed';
    if (part >= 0.75) return 'complete';
    return part >= 0.5 ? 'validated' : 'validating';
  }

  /** What validation or import will find wrong. */
  #flaw({ plan, received, partCount, fileSize, kind }: Upload): string | undefined {
    if (plan.failure !== undefined) return `The ${plan.failure} of the file failed.`;
    if (received.size < partCount) return `Only ${received.size} of ${partCount} parts were uploaded.`;
    const parts = this.#inOrder(received);
    const small = parts.slice(0, -1).some(({ length }) => length < this.#parts.settings.minPartBytes);
    if (small) return 'Your proposed upload is smaller than the minimum allowed size.';
    const bytes = Buffer.concat(parts);
    if (bytes.length !== fileSize) return `Expected ${fileSize} bytes, found ${bytes.length}.`;
    return kind === 'image' && !imageTypeOf(bytes) ? 'The file is not a valid image.' : undefined;
  }

  #inOrder(received: ReadonlyMap<number, Buffer>): Buffer[] {
    return [...received].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes);
  }

  #import(upload: Upload): void {
    if (upload.failure !== undefined || this.#uploads.get(upload.id) !== upload) return;
    const { fileName: name, contentType: mimeType, kind } = upload;
    const bytes = Buffer.concat(this.#inOrder(upload.received));
    upload.assetId = this.#parts.assets.add(bytes, { name, mimeType, kind, type: 'uploaded' }).id;
    upload.received.clear();
  }
}
