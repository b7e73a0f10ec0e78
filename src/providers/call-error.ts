import { retryAfterMs } from './schedule.js';

/** A call to a provider that did not end with a 2xx. */

/** The provider's own answer. */
export interface Reply {
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

export class CallError extends Error {
  override readonly name: string = 'CallError';
  /** Whether anything may have arrived: false only if no connection was there to send it over. */
  readonly sent: boolean;
  /** Absent when the connection broke before the answer was complete. */
  readonly reply: Reply | undefined;

  /** @param message a clause that can follow "because" */
  constructor(message: string, details: { sent: boolean; reply?: Reply | undefined; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.sent = details.sent;
    this.reply = details.reply;
  }

  get status(): number | undefined {
    return this.reply?.status;
  }
}

export function headerOf(reply: Reply, name: string): string | undefined {
  const value = reply.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** How long a reply asks to be left alone, in milliseconds, capped; undefined when it says nothing of it. */
export function retryAfterOf(reply: Reply | undefined): number | undefined {
  return reply && retryAfterMs(headerOf(reply, 'retry-after'));
}

/** Without the full stop that most texts of providers end in, so that a sentence can go on after it. */
export function bare(text: string): string {
  return text.replace(/[.\s]+$/, '');
}
