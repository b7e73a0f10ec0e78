import type { LogLevel } from './config.js';
import { printable } from './errors.js';
import { currentTrace } from './trace.js';

/**
 * JSON lines on stderr (stdout belongs to the protocol). Every line, and every text that leaves meshwright,
 * passes one redactor: keys that were loaded, and the query of every URL, since signed links are secrets.
 */

const ORDER: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
/** Shorter texts are no secrets: they would mask ordinary words. */
const LEAST_SECRET = 8;
const secrets = new Set<string>();
let pattern: RegExp | undefined;

/** Texts that must never be printed, in any form in which they may come back. */
export function keepSecret(...values: (string | undefined)[]): void {
  for (const value of values) {
    if (value === undefined) continue;
    for (const part of [value, ...value.split(':')]) {
      if (part.length < LEAST_SECRET) continue;
      for (const form of formsOf(part)) secrets.add(form);
    }
  }
  pattern = undefined;
}

/** As it is, inside of JSON and of URLs, and within any longer text that was made base64. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${'\0'.repeat(offset)}${secret}`).toString('base64');
    // The characters at both ends also depend on what stands before and behind.
    const end = Math.floor(((offset + Buffer.byteLength(secret)) * 8) / 6);
    return text.slice(Math.ceil((offset * 8) / 6), end);
  });
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), ...base64, ...urlSafe];
}

/** The longest first: a part of it may be a secret of its own. */
function secretPattern(): RegExp | undefined {
  if (secrets.size === 0) return undefined;
  const all = [...secrets].toSorted((a, b) => b.length - a.length);
  pattern ??= new RegExp(all.map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
  return pattern;
}

const URLS = /\b(https?|wss?):\/\/([^\s"'<>\\?#]*@)?([^\s"'<>\\?#@]*)([?#][^\s"'<>\\]*)?/gi;
/** What signs a link, also where its beginning was cut off. */
const SIGNATURES =
  /\b((?:x-(?:amz|goog)-[\w-]{1,40}|signature|sig|policy|key-pair-id|access_token|token)=)[^&\s"'<>\\]+/gi;
/** What lets somebody in, whoever that is. */
const CREDENTIALS = /\b(bearer|basic)(\s{1,9})[\w.~+/=-]{16,}/gi;
/** Tokens of our own (`meshwright token add`), of anybody: they are known by their form only, since no file has them. */
const OWN_TOKENS = /mw_[\w-]{20,}/g;

/** Masks every known secret, what signs or opens anything, and the query, fragment and credentials of every URL. */
export function redact(text: string): string {
  const known = secretPattern();
  return (known ? text.replace(known, '***') : text)
    .replace(
      URLS,
      (_match, scheme: string, user: string | undefined, rest: string, query: string | undefined) =>
        `${scheme}://${user ? '***@' : ''}${rest}${query ? `${query.charAt(0)}***` : ''}`,
    )
    .replace(SIGNATURES, '$1***')
    .replace(CREDENTIALS, '$1$2***')
    .replace(OWN_TOKENS, 'mw_***');
}

/** Longest piece of a caller's own text that is said back to it. */
const ECHO_LENGTH = 120;

/** What a caller named, an id or a URI, fit to stand in an answer: short, on one line, without secrets. */
export function echo(text: string): string {
  const clean = printable(redact(text.slice(0, 4 * ECHO_LENGTH)));
  return clean.length > ECHO_LENGTH ? `${clean.slice(0, ECHO_LENGTH - 1)}…` : clean;
}

export type LogFields = { [name: string]: string | number | boolean | null | undefined };

export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** A client that closed its end of stderr must not end the server: the log falls silent then. */
function stderrWriter(): (line: string) => void {
  let open = true;
  process.stderr.on('error', () => (open = false));
  return (line) => {
    if (open) process.stderr.write(line);
  };
}

/** @param write where a line goes; stderr when absent */
export function createLog(level: LogLevel, write: (line: string) => void = stderrWriter()): Log {
  const most = ORDER.indexOf(level);
  const at =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (ORDER.indexOf(name) > most) return;
      const trace = currentTrace();
      const entry = {
        time: new Date().toISOString(),
        level: name,
        message,
        ...fields,
        ...(trace && { trace_id: trace.id, span_id: trace.span }),
      };
      write(`${redact(JSON.stringify(entry))}\n`);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

/** The same log with these fields in every line. */
export function logFor(log: Log, fields: LogFields): Log {
  return {
    error: (message, more) => log.error(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
  };
}

export const silentLog: Log = createLog('error', () => undefined);
