import { isRecord } from '../../json.js';
import { redact } from '../../log.js';

/** A call to fal that did not end with a 2xx, and fal's words for it. */

/** fal's own answer. */
export interface FalReply {
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

/**
 * Thrown into `@fal-ai/client` by our fetch. Its own retries send a submit up to four times, each of them paid,
 * and no option turns them off; an error of this name is the one thing that it never repeats.
 */
export class FalCallError extends Error {
  override readonly name = 'AbortError';
  /** Whether anything may have reached fal: false only if no connection was there to send it over. */
  readonly sent: boolean;
  /** Absent when the connection broke before the answer was complete. */
  readonly reply: FalReply | undefined;

  /** @param message a clause that can follow "because" */
  constructor(message: string, details: { sent: boolean; reply?: FalReply; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.sent = details.sent;
    this.reply = details.reply;
  }

  get status(): number | undefined {
    return this.reply?.status;
  }
}

export function headerOf(reply: FalReply, name: string): string | undefined {
  const value = reply.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** What fal says is wrong: one or more faults, the first of them with its place in the input. */
export interface Complaint {
  /** One line, as fal words it; absent when the body says nothing that could be shown. */
  message: string | undefined;
  /** fal's word for the kind of fault, such as `image_load_error`. */
  type: string | undefined;
  /** The input's field: `image_urls[2]`. */
  field: string | undefined;
}

const MAX_TEXT = 300;
/** Faults that are told; a wrong call can have twenty. */
const MAX_FAULTS = 3;

/**
 * Reads the body of a refusal. `detail` is a text or a list of faults (fal's documents, "Errors"), and some
 * replies are plain text or HTML of whatever stands before the model.
 */
export function complaintOf(reply: FalReply): Complaint {
  const headerType = headerOf(reply, 'x-fal-error-type');
  const body = parse(reply.text);
  if (!isRecord(body)) {
    const plain = body === undefined && !/<[a-z!]/i.test(reply.text) ? oneLine(reply.text) : '';
    return { message: plain || undefined, type: headerType, field: undefined };
  }
  const type = textOf(body['error_type']) ?? headerType;
  const { detail } = body;
  if (Array.isArray(detail)) {
    const faults = detail.filter(isRecord);
    const [first] = faults;
    const told = faults.slice(0, MAX_FAULTS).map(faultText).filter(Boolean);
    const more = faults.length > MAX_FAULTS ? [`${faults.length - MAX_FAULTS} more`] : [];
    return {
      message: [...told, ...more].join('; ') || undefined,
      type: textOf(first?.['type']) ?? type,
      field: first && fieldOf(first['loc']),
    };
  }
  const { error } = body;
  const message =
    textOf(detail) ?? textOf(body['message']) ?? textOf(error) ?? textOf(isRecord(error) && error['message']);
  return { message, type, field: undefined };
}

/** `HTTP 503 (No runner could be allocated)` */
export function statusInWords(reply: FalReply): string {
  const { message } = complaintOf(reply);
  return message === undefined ? `HTTP ${reply.status}` : `HTTP ${reply.status} (${bare(message)})`;
}

/** Without the full stop that most of fal's texts end in, so that a sentence can go on after it. */
export function bare(text: string): string {
  return text.replace(/[.\s]+$/, '');
}

function faultText(fault: Record<string, unknown>): string {
  const message = textOf(fault['msg']) ?? '';
  const field = fieldOf(fault['loc']);
  const type = textOf(fault['type']);
  return `${field === undefined ? '' : `${field}: `}${bare(message)}${type === undefined ? '' : ` (${type})`}`;
}

/** `["body", "image_urls", 2]` → `image_urls[2]` */
function fieldOf(loc: unknown): string | undefined {
  if (!Array.isArray(loc)) return undefined;
  let path = '';
  for (const part of loc.slice(loc[0] === 'body' ? 1 : 0)) {
    if (typeof part === 'number') path += `[${part}]`;
    else if (typeof part === 'string') path += path === '' ? part : `.${part}`;
  }
  return path.startsWith('[') || path === '' ? undefined : path;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? oneLine(value) : undefined;
}

function oneLine(text: string): string {
  const line = redact(text.replace(/\s+/g, ' ').trim());
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
