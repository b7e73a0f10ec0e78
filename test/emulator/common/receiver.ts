import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';

/** What the receiver answers to one delivery: a status, after a time, perhaps pointing elsewhere. */
export interface Answer {
  status: number;
  afterMs?: number;
  location?: string;
}

export interface Delivery {
  path: string;
  headers: IncomingHttpHeaders;
  /** As it came: signatures are over these bytes. */
  rawBody: string;
}

export interface WebhookReceiver {
  url: string;
  deliveries: Delivery[];
  /** What every delivery gets from now on. */
  answerWith(answer: Answer): void;
  /** Resolves when so many deliveries have arrived in all. */
  received(count: number): Promise<Delivery[]>;
  close(): Promise<void>;
}

/**
 * A webhook endpoint that misbehaves to order: the first delivery gets the first answer, and so on; the last one
 * repeats.
 */
export async function startReceiver(
  answers: readonly Answer[] = [{ status: 200 }],
): Promise<WebhookReceiver> {
  const deliveries: Delivery[] = [];
  const waiting: { count: number; resolve: (deliveries: Delivery[]) => void }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const answer = answers[Math.min(deliveries.length, answers.length - 1)] ?? { status: 200 };
      deliveries.push({
        path: request.url ?? '/',
        headers: request.headers,
        rawBody: Buffer.concat(parts).toString('utf8'),
      });
      for (const { count, resolve } of waiting) if (deliveries.length >= count) resolve(deliveries);
      const timer = setTimeout(() => {
        response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
        response.end();
      }, answer.afterMs ?? 0);
      response.once('close', () => clearTimeout(timer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The receiver got no port.');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    deliveries,
    answerWith: (answer) => {
      answers = [answer];
    },
    received: (count) =>
      new Promise((resolve) => {
        if (deliveries.length >= count) resolve(deliveries);
        else waiting.push({ count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
