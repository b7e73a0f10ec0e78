import type { LogLevel } from './config.js';
import { printable } from './errors.js';

/**
 * JSON lines on stderr (stdout belongs to the protocol). Every line, and every text that leaves meshwright,
 * passes one redactor: keys that were loaded, and the query of every URL, since signed links are secrets.
 */

const ORDER: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
const secrets = new Set<string>();

/** Texts that must never be printed; short ones are ignored, since they would mask ordinary words. */
export function keepSecret(...values: (string | undefined)[]): void {
  for (const value of values) {
    if (value === undefined) continue;
    for (const part of [value, ...value.split(':'), Buffer.from(value).toString('base64')]) {
      if (part.length >= 8) secrets.add(part);
    }
  }
}

/** Masks every known secret and the query, fragment and credentials of every URL. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, '***');
  return clean.replace(
    /\b(https?|wss?):\/\/([^\s"'<>\\?#]*@)?([^\s"'<>\\?#@]*)([?#][^\s"'<>\\]*)?/gi,
    (_match, scheme: string, user: string | undefined, rest: string, query: string | undefined) =>
      `${scheme}://${user ? '***@' : ''}${rest}${query ? `${query.charAt(0)}***` : ''}`,
  );
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
      write(
        `${redact(JSON.stringify({ time: new Date().toISOString(), level: name, message, ...fields }))}\n`,
      );
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

export const silentLog: Log = createLog('error', () => undefined);
