import { z } from 'zod';
import type { FileStore } from '../common/cdn.js';
import { refusal, serveFile } from '../common/cdn.js';
import type { Clock } from '../common/clock.js';
import type { Exchange, Reply } from '../common/exchange.js';
import { headerOf, jsonReply } from '../common/exchange.js';
import type { Identifiers } from '../common/identifiers.js';
import { parseJson, sha256 } from '../common/json.js';
import type { Classified } from '../common/role-server.js';
import { checkKey, pathNotFound } from './answers.js';
import type { Lifecycle } from './lifecycle.js';
import { lifecycleOf } from './lifecycle.js';
import type { Settings } from './settings.js';

export interface StorageParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  files: FileStore;
  cdnOrigin: () => string;
  keySet: () => Reply;
}

interface Upload {
  path: string;
  contentType: string;
  lifecycle: Lifecycle;
  expiresAt: number;
  signature: string;
  parts: Map<number, { etag: string; bytes: Buffer }> | undefined;
}

const initiateSchema = z.object({ content_type: z.string().min(1), file_name: z.string().min(1) });
const completeSchema = z.object({
  parts: z.array(z.object({ partNumber: z.number().int(), etag: z.string() })),
});

const UPLOAD_PATH = /^\/upload\/([^/]+)(?:\/(\d+|complete))?$/;

export function classifyStorage(method: string, path: string): Classified {
  if (path === '/.well-known/jwks.json') return { op: 'keys' };
  if (method !== 'POST') return { op: 'unknown' };
  if (path === '/storage/upload/initiate') return { op: 'initiate' };
  if (path === '/storage/upload/initiate-multipart') return { op: 'initiate-multipart' };
  if (path === '/storage/auth/token') return { op: 'upload-token' };
  return { op: 'unknown' };
}

export function classifyCdn(method: string, path: string): Classified {
  if (path === '/files/upload') return { op: 'upload' };
  const [, upload, rest] = UPLOAD_PATH.exec(path) ?? [];
  if (upload !== undefined)
    return { op: rest === undefined ? 'put' : rest === 'complete' ? 'complete' : 'put-part' };
  return { op: method === 'GET' ? 'download' : method === 'HEAD' ? 'head' : 'unknown' };
}

/** Uploads: initiated at the control host, sent to the CDN's. */
export class Storage {
  readonly #parts: StorageParts;
  readonly #uploads = new Map<string, Upload>();
  readonly #tokens = new Map<string, number>();

  constructor(parts: StorageParts) {
    this.#parts = parts;
  }

  clear(): void {
    this.#uploads.clear();
    this.#tokens.clear();
  }

  handleRest(exchange: Exchange): Reply {
    const { settings, keySet } = this.#parts;
    if (exchange.op === 'keys') return keySet();
    if (exchange.op === 'unknown') return pathNotFound(exchange.path);
    const refused = checkKey(headerOf(exchange.headers, 'authorization'), settings.keys);
    if (refused) return refused;
    if (exchange.query.get('storage_type') !== 'fal-cdn-v3') {
      return jsonReply(400, { detail: 'Unknown storage_type' });
    }
    return exchange.op === 'upload-token' ? this.#token() : this.#initiate(exchange);
  }

  handleCdn(exchange: Exchange): Reply {
    if (exchange.op === 'upload') return this.#uploadWithToken(exchange);
    if (exchange.headers.authorization !== undefined)
      exchange.entry.warnings.push('credentials sent to the CDN');
    const [, id, rest] = UPLOAD_PATH.exec(exchange.path) ?? [];
    if (id !== undefined) return this.#receive(exchange, id, rest);
    return this.#download(exchange);
  }

  /** A path that reads a file whatever its access list says. */
  signedPath(path: string): string {
    return `${path}?signature=${sha256(`read ${path}`).slice(0, 32)}`;
  }

  #initiate(exchange: Exchange): Reply {
    const { ids, clock, settings, cdnOrigin } = this.#parts;
    const { data, error } = initiateSchema.safeParse(parseJson(exchange.body.toString('utf8')));
    if (error) return jsonReply(422, { detail: 'content_type and file_name are required' });
    const id = ids.token();
    const path = `/files/b/${ids.uuid().slice(0, 8)}/${ids.token()}_${data.file_name.replaceAll(/[^\w.-]/g, '_')}`;
    const upload: Upload = {
      path,
      contentType: data.content_type,
      lifecycle: lifecycleOf(exchange.headers),
      expiresAt: clock.now() + settings.uploadUrlLifeMs,
      signature: ids.token(),
      parts: exchange.op === 'initiate-multipart' ? new Map() : undefined,
    };
    this.#uploads.set(id, upload);
    const uploadUrl = `${cdnOrigin()}/upload/${id}?signature=${upload.signature}`;
    return jsonReply(200, { upload_url: uploadUrl, file_url: cdnOrigin() + path });
  }

  #receive(exchange: Exchange, id: string, rest: string | undefined): Reply {
    const upload = this.#uploads.get(id);
    const signed = upload !== undefined && exchange.query.get('signature') === upload.signature;
    if (!signed || this.#parts.clock.now() >= upload.expiresAt) return refusal(403, 'xml');
    if (exchange.headers.authorization !== undefined)
      return jsonReply(400, { detail: 'Authorization is not expected' });
    if (rest === 'complete') return this.#complete(exchange, upload);
    if (exchange.method !== 'PUT' || (rest === undefined) !== (upload.parts === undefined))
      return refusal(404, 'xml');
    if (rest === undefined) {
      if (exchange.headers['content-type'] === undefined)
        return jsonReply(400, { detail: 'Content-Type is required' });
      this.#keep(upload, exchange.body);
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: '' };
    }
    const etag = `"${sha256(exchange.body).slice(0, 32)}"`;
    upload.parts?.set(Number(rest), { etag, bytes: exchange.body });
    return jsonReply(200, { partNumber: Number(rest), etag });
  }

  #complete(exchange: Exchange, upload: Upload): Reply {
    const { data } = completeSchema.safeParse(parseJson(exchange.body.toString('utf8')));
    const known = upload.parts;
    const ordered = data?.parts.every(
      (part, i, all) => i === 0 || part.partNumber > (all[i - 1]?.partNumber ?? 0),
    );
    const complete = data?.parts.every((part) => known?.get(part.partNumber)?.etag === part.etag);
    if (!data || !known || known.size === 0 || data.parts.length !== known.size || !ordered || !complete) {
      return jsonReply(400, { detail: 'The parts do not match what was uploaded, or are not in order' });
    }
    this.#keep(
      upload,
      Buffer.concat(data.parts.map((part) => known.get(part.partNumber)?.bytes ?? Buffer.alloc(0))),
    );
    upload.parts = new Map();
    return jsonReply(200, { file_url: this.#parts.cdnOrigin() + upload.path });
  }

  #keep({ path, contentType, lifecycle }: Upload, bytes: Buffer): void {
    const { files, clock } = this.#parts;
    const expiresAt = lifecycle.seconds === undefined ? undefined : clock.now() + lifecycle.seconds * 1000;
    files.put({ path, bytes, contentType, expiresAt, access: lifecycle.access });
  }

  #token(): Reply {
    const { ids, clock, cdnOrigin } = this.#parts;
    const token = ids.token();
    const expiresAt = clock.now() + 3_600_000;
    this.#tokens.set(token, expiresAt);
    return jsonReply(200, {
      token,
      token_type: 'Bearer',
      base_url: cdnOrigin(),
      expires_at: new Date(expiresAt).toISOString(),
    });
  }

  /** The Python client's way: a short-lived token instead of a signed URL. */
  #uploadWithToken(exchange: Exchange): Reply {
    const { ids, clock, cdnOrigin } = this.#parts;
    const token = /^Bearer (\S+)$/.exec(exchange.headers.authorization ?? '')?.[1] ?? '';
    if (clock.now() >= (this.#tokens.get(token) ?? 0))
      return jsonReply(401, { detail: 'Invalid upload token' });
    const name = headerOf(exchange.headers, 'x-fal-file-name') ?? 'file.bin';
    const path = `/files/b/${ids.uuid().slice(0, 8)}/${ids.token()}_${name}`;
    const contentType = headerOf(exchange.headers, 'content-type') ?? 'application/octet-stream';
    const lifecycle = lifecycleOf(exchange.headers);
    this.#keep(
      { path, contentType, lifecycle, expiresAt: 0, signature: '', parts: undefined },
      exchange.body,
    );
    return jsonReply(200, { access_url: cdnOrigin() + path });
  }

  #download(exchange: Exchange): Reply {
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return refusal(404, 'xml');
    const file = this.#parts.files.get(exchange.path);
    const signed = this.signedPath(exchange.path).endsWith(
      `?signature=${exchange.query.get('signature') ?? ''}`,
    );
    if (file && file.access !== 'allow' && !signed)
      return refusal(file.access === 'forbid' ? 403 : 404, 'xml');
    return serveFile(exchange, file);
  }
}
