import { printable } from '../../errors.js';
import { isRecord } from '../../json.js';
import { redact } from '../../log.js';
import { bare, headerOf, type Reply } from '../call-error.js';

/** fal's words for what it refused. */

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
/** Longest name of a field. */
const MAX_FIELD = 100;
/** Faults that are told; a wrong call can have twenty. */
const MAX_FAULTS = 3;

/**
 * Reads the body of a refusal. `detail` is a text or a list of faults (fal's documents, "Errors"), and some
 * replies are plain text or HTML of whatever stands before the model.
 */
export function complaintOf(reply: Reply): Complaint {
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
      message: cut([...told, ...more].join('; ')) || undefined,
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
export function statusInWords(reply: Reply): string {
  const { message } = complaintOf(reply);
  return message === undefined ? `HTTP ${reply.status}` : `HTTP ${reply.status} (${bare(message)})`;
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
  return path.startsWith('[') || path === '' ? undefined : oneLine(path.slice(0, MAX_FIELD));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? oneLine(value) : undefined;
}

function oneLine(text: string): string {
  return cut(redact(printable(text.replace(/\s+/g, ' ').trim())));
}

function cut(line: string): string {
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
