import { messageOf } from '../../errors.js';
import { isRecord } from '../../json.js';
import { CallError } from '../call-error.js';
import type { Clock } from '../clock.js';
import type { Fetcher } from '../fetch.js';
import { below, idOf, type JsonApi, plainText } from '../json-api.js';
import { untilAnswered } from '../poll.js';
import { type InputFile, SubmitError } from '../provider.js';
import { refusalOf } from '../turned-down.js';
import { readJob } from './job.js';
import { refusals } from './refusals.js';

/** Largest image that is sent inside of JSON: what Scenario's own plugin sends so; the gateway ends at 10 MB. */
const INLINE_BYTES = 3_500_000;
/** Parts of an object store have 5 MiB at least; smaller ones cost less when a connection breaks. */
const PART_BYTES = 8 * 1024 * 1024;
const TRIES = 4;
/** Links to parts expire; a new upload has new ones. */
const MAX_UPLOADS = 2;
const DEADLINE_MS = 180_000;
const IMPORT_POLL_MS = 1_000;

export interface UploadDeps {
  api: JsonApi;
  fetcher: Fetcher;
  clock: Clock;
  /** Base URL. */
  url: string;
}

/** Images as assets of Scenario by their content: the same file is sent once, however many jobs name it. */
export class Uploads {
  readonly #deps: UploadDeps;
  readonly #byContent = new Map<string, Promise<string>>();

  constructor(deps: UploadDeps) {
    this.#deps = deps;
  }

  /**
   * The id of the asset that the image is.
   *
   * @throws SubmitError `refused` or `rejected`: nothing is bought by an upload
   */
  id(file: InputFile): Promise<string> {
    const known = this.#byContent.get(file.sha256);
    if (known) return known;
    const sent = this.#send(file).catch((error: unknown) => {
      this.#byContent.delete(file.sha256);
      throw uploadError(error);
    });
    this.#byContent.set(file.sha256, sent);
    return sent;
  }

  /** An asset may have been deleted there: the next job gets new ones. */
  forget(): void {
    this.#byContent.clear();
  }

  async #send(file: InputFile): Promise<string> {
    const bytes = await file.read();
    // Shared by every caller who names this file, so no caller's signal ends it.
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const id = bytes.length <= INLINE_BYTES ? await this.#inline(file, bytes, signal) : undefined;
    return id ?? this.#inParts(file, bytes, signal);
  }

  /** In one call; undefined when it is too large for that after all. */
  async #inline(file: InputFile, bytes: Uint8Array, signal: AbortSignal): Promise<string | undefined> {
    const image = `data:${file.mimeType};base64,${Buffer.from(bytes).toString('base64')}`;
    try {
      const value = await this.#post('/assets', { name: nameOf(file), image }, signal);
      const id = isRecord(value) && isRecord(value['asset']) ? idOf(value['asset']['id']) : undefined;
      if (id === undefined) throw new Error('Scenario answered without the id of an asset');
      return id;
    } catch (error) {
      const reply = error instanceof CallError ? error.reply : undefined;
      const large = reply?.status === 413 || (reply?.status === 400 && /too large|size/i.test(reply.text));
      if (large) return undefined;
      throw error;
    }
  }

  async #inParts(file: InputFile, bytes: Uint8Array, signal: AbortSignal): Promise<string> {
    for (let uploads = 1; ; uploads++) {
      const count = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
      const upload = readUpload(
        await this.#post(
          '/uploads',
          {
            fileName: nameOf(file),
            fileSize: bytes.length,
            contentType: file.mimeType,
            kind: 'image',
            parts: count,
          },
          signal,
        ),
      );
      if (upload?.parts.length !== count) throw new Error('Scenario answered without places for the parts');
      const sent = await this.#putAll(upload.parts, bytes, file.mimeType, signal);
      if (!sent && uploads < MAX_UPLOADS) continue;
      if (!sent) throw new Error('the links to the parts of the upload had expired');
      await this.#post(`/uploads/${upload.id}/action`, { action: 'complete' }, signal);
      return this.#imported(upload.id, signal);
    }
  }

  /** False when a link has expired. */
  async #putAll(
    urls: readonly string[],
    bytes: Uint8Array,
    mimeType: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (const [index, url] of urls.entries()) {
      const part = bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
      if (!(await this.#put(url, part, mimeType, signal))) return false;
    }
    return true;
  }

  /** One part, without the key: the link is all that is asked for there. */
  #put(url: string, body: Uint8Array, mimeType: string, signal: AbortSignal): Promise<boolean> {
    const { fetcher, clock } = this.#deps;
    const own = URL.canParse(url) && new URL(url).origin === new URL(this.#deps.url).origin;
    const send = async (): Promise<boolean> => {
      const answer = await fetcher
        .open(url, {
          method: 'PUT',
          body,
          headers: { 'content-type': mimeType },
          maxBytes: 1024 * 1024,
          trusted: own,
          signal,
        })
        .catch((error: unknown) => {
          const retryable = error instanceof Error && 'retryable' in error && error.retryable === true;
          throw retryable ? new CallError(messageOf(error), { sent: true, cause: error }) : error;
        });
      answer.discard();
      const { status } = answer;
      if (status >= 200 && status <= 299) return true;
      if (status === 403 || status === 404 || status === 410) return false;
      const reply = { status, headers: {}, text: '' };
      throw new CallError(`the place for the image answered HTTP ${status}`, { sent: true, reply });
    };
    return untilAnswered(send, { signal }, { clock, tries: TRIES });
  }

  /** Scenario looks at what was sent before it makes an asset of it. */
  async #imported(id: string, signal: AbortSignal): Promise<string> {
    const { clock } = this.#deps;
    const since = clock.now();
    while (clock.now() - since < DEADLINE_MS) {
      const upload = readUpload(await this.#get(`/uploads/${id}`, signal));
      if (upload?.entityId !== undefined) return upload.entityId;
      if (upload?.status === 'failed') throw new Refused(upload.error ?? 'it gives no reason');
      if (upload?.status === 'imported' && upload.jobId !== undefined) {
        const job = readJob(await this.#get(`/jobs/${upload.jobId}`, signal));
        if (job?.entityId !== undefined) return job.entityId;
      }
      await clock.sleep(IMPORT_POLL_MS, signal);
    }
    throw new Error(`Scenario did not import it within ${DEADLINE_MS / 1000} s`);
  }

  #post(path: string, body: { [key: string]: string | number }, signal: AbortSignal): Promise<unknown> {
    return this.#call({ method: 'POST', url: below(this.#deps.url, path), body, signal });
  }

  #get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#call({ url: below(this.#deps.url, path), signal });
  }

  async #call(call: Parameters<JsonApi['call']>[0] & { signal: AbortSignal }): Promise<unknown> {
    const { api, clock } = this.#deps;
    const { value } = await untilAnswered(() => api.call(call), call, { clock, tries: TRIES });
    return value;
  }
}

/** Scenario has looked at the image and does not take it. */
class Refused extends Error {}

interface Upload {
  id: string;
  status: string;
  jobId: string | undefined;
  entityId: string | undefined;
  error: string | undefined;
  /** Where each part goes, in order. */
  parts: string[];
}

export function readUpload(value: unknown): Upload | undefined {
  const upload = isRecord(value) && isRecord(value['upload']) ? value['upload'] : value;
  const id = isRecord(upload) ? idOf(upload['id']) : undefined;
  if (!isRecord(upload) || id === undefined) return undefined;
  const { status, parts, errorMessage, error } = upload;
  const numbered = (Array.isArray(parts) ? parts : []).flatMap((part) =>
    isRecord(part) && typeof part['url'] === 'string'
      ? [{ number: typeof part['number'] === 'number' ? part['number'] : 0, url: part['url'] }]
      : [],
  );
  const why = errorMessage ?? error;
  return {
    id,
    status: typeof status === 'string' ? status.toLowerCase() : '',
    jobId: idOf(upload['jobId']),
    entityId: idOf(upload['entityId']),
    error: plainText(why),
    parts: numbered.toSorted((a, b) => a.number - b.number).map(({ url }) => url),
  };
}

function nameOf({ sha256, mimeType }: InputFile): string {
  return `meshwright-${sha256.slice(0, 12)}.${mimeType.split('/')[1] ?? 'bin'}`;
}

function uploadError(error: unknown): SubmitError {
  if (error instanceof Refused) {
    return new SubmitError(
      'rejected',
      `Scenario does not take the image: ${error.message}. Give another image.`,
    );
  }
  const reply = error instanceof CallError ? error.reply : undefined;
  const refusal = reply && reply.status !== 404 ? refusalOf(reply, refusals('its assets')) : undefined;
  return (
    refusal ??
    new SubmitError(
      'refused',
      `The image could not be uploaded to Scenario: ${messageOf(error)}. Nothing was bought; call again.`,
      { cause: error },
    )
  );
}
