import http from 'node:http';
import { afterEach } from 'vitest';

/** An HTTP server on loopback for one test; it is ended with the test. */
export interface Loopback {
  /** `http://127.0.0.1:port`. */
  url: string;
  /** `127.0.0.1:port`. */
  host: string;
  port: number;
  /** What was asked for so far. */
  requests: http.IncomingMessage[];
}

const running: http.Server[] = [];

afterEach(async () => {
  await Promise.all(
    running.splice(0).map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    ),
  );
});

export async function serve(
  handler: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<Loopback> {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  running.push(server);
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, port, requests };
}
