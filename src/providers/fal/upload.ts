import { messageOf } from '../../errors.js';
import { type InputFile, SubmitError } from '../provider.js';
import { CallError, headerOf } from '../call-error.js';
import type { FalConnection } from './connection.js';
import type { Clock } from '../clock.js';
import { refusalOf } from '../turned-down.js';
import { refusals } from './refusal.js';
import { UPLOAD_HOURS } from './upload-life.js';
import { backoffMs, retryAfterMs } from '../schedule.js';

const LIFE_SECONDS = UPLOAD_HOURS * 3600;
/** A URL is not handed out shortly before its end: the job that gets it may wait in the queue. */
const MARGIN_MS = 3_600_000;
const TRIES = 4;
const DEADLINE_MS = 180_000;

interface Upload {
  url: Promise<string>;
  /** Milliseconds since 1970. */
  usableUntil: number;
}

/** Images in fal's storage by their content: the same file is sent once, however many calls and jobs name it. */
export class Uploads {
  readonly #connection: FalConnection;
  readonly #clock: Clock;
  readonly #byContent = new Map<string, Upload>();

  constructor(connection: FalConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** @throws SubmitError `refused` or `rejected`: nothing is bought by an upload */
  url(file: InputFile): Promise<string> {
    const now = this.#clock.now();
    for (const [sha256, { usableUntil }] of this.#byContent) {
      if (usableUntil <= now) this.#byContent.delete(sha256);
    }
    const known = this.#byContent.get(file.sha256);
    if (known) return known.url;
    const upload: Upload = { url: this.#send(file), usableUntil: now + LIFE_SECONDS * 1000 - MARGIN_MS };
    this.#byContent.set(file.sha256, upload);
    upload.url.catch(() => {
      if (this.#byContent.get(file.sha256) === upload) this.#byContent.delete(file.sha256);
    });
    return upload.url;
  }

  /** fal could not read what it was given: the next job gets new uploads. */
  forget(): void {
    this.#byContent.clear();
  }

  async #send(file: InputFile): Promise<string> {
    const bytes = await file.read();
    const name = `image.${file.mimeType.split('/')[1] ?? 'bin'}`;
    const image = new File([new Uint8Array(bytes)], name, { type: file.mimeType });
    // Shared by every caller who names this file, so no caller's signal ends it.
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (let tries = 1; ; tries++) {
      try {
        const client = this.#connection.client({ signal });
        return await client.storage.upload(image, { lifecycle: { expiresIn: LIFE_SECONDS } });
      } catch (error) {
        const wait = waitMs(error, tries);
        if (wait === undefined || tries === TRIES) throw uploadError(error);
        await this.#clock.sleep(wait, signal);
      }
    }
  }
}

/** Undefined when another attempt would end as this one did. */
function waitMs(error: unknown, tries: number): number | undefined {
  if (!(error instanceof CallError)) return undefined;
  const { reply } = error;
  if (reply && reply.status !== 429 && reply.status < 500) return undefined;
  return Math.max(backoffMs(tries), retryAfterMs(reply && headerOf(reply, 'retry-after')) ?? 0);
}

function uploadError(error: unknown): SubmitError {
  const reply = error instanceof CallError ? error.reply : undefined;
  const refusal = reply && reply.status !== 404 ? refusalOf(reply, refusals('its storage')) : undefined;
  if (refusal) return refusal;
  // What is no address, or no JSON, is told by none of the client's own errors.
  const nonsense = error instanceof TypeError || error instanceof SyntaxError;
  const why = nonsense ? 'its storage answered something that cannot be read' : messageOf(error);
  return new SubmitError(
    'refused',
    `The image could not be uploaded to fal: ${why}. Nothing was bought; call again.`,
    { cause: error },
  );
}
