import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { isRecord } from '../../../src/json.js';
import { FalProvider } from '../../../src/providers/fal.js';
import { PixazoProvider } from '../../../src/providers/pixazo.js';
import type { CallbackVerdict } from '../../../src/providers/provider.js';
import { mutateJson } from '../mutate-json.js';
import { SECRET } from '../replies.js';
import { hold, json, type Target, toJsonValue, toText } from '../target.js';

/** Calls that claim to come from a provider: `{provider, headers, body, jwks?, signed?}`. */
export const target: Target = {
  about: "bodies, headers and signatures of providers' callbacks",
  guides: ['/src/providers/fal/callback', '/src/providers/fal/operation', '/src/providers/pixazo/'],
  seeds: () => [
    json({ provider: 'fal', signed: true, body: { request_id: 'r1', status: 'OK', payload: {} } }),
    json({
      provider: 'fal',
      signed: true,
      body: { request_id: 'other', status_url: 'https://evil.example/requests/r1/status' },
    }),
    json({
      provider: 'fal',
      headers: {
        'x-fal-webhook-request-id': 'r1',
        'x-fal-webhook-user-id': 'u',
        'x-fal-webhook-timestamp': '1800000000',
        'x-fal-webhook-signature': 'ab'.repeat(64),
      },
      body: {},
    }),
    json({
      provider: 'fal',
      signed: true,
      body: 'no JSON',
      jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }, { kty: 'RSA' }] },
    }),
    json({
      provider: 'pixazo',
      body: { request_id: 'r1', status: 'COMPLETED', output: { media_url: 'https://x/a.glb' } },
    }),
    json({ provider: 'pixazo', body: [] }),
  ],
  mutate: mutateJson,
  tokens: [
    'request_id',
    'task_id',
    'status',
    'status_url',
    'response_url',
    'payload',
    'x-fal-webhook-request-id',
    'x-fal-webhook-user-id',
    'x-fal-webhook-timestamp',
    'x-fal-webhook-signature',
    'keys',
    'kty',
    'OKP',
    'crv',
    'Ed25519',
    'x',
    'signed',
    'jwks',
    '1800000000',
    'r1',
    '..',
  ],
  quick: 100,
  run: async (bytes) => {
    const script = toJsonValue(bytes);
    if (!isRecord(script)) return;
    const base = await listen(script['jwks']);
    const body = Buffer.from(
      typeof script['body'] === 'string' ? script['body'] : JSON.stringify(script['body'] ?? ''),
    );
    const headers = script['signed'] === true ? signatureOf(body) : headersIn(script['headers']);
    const job = { model: 'pixal3d', submittedAt: NOW };
    const context = { signal: new AbortController().signal };
    const common = { key: SECRET, clock: { now: () => NOW, sleep: () => Promise.resolve() }, allowHosts: [] };
    const provider =
      script['provider'] === 'pixazo'
        ? new PixazoProvider({ ...common, url: base })
        : new FalProvider({ ...common, queueUrl: base, restUrl: base });
    const verdict: CallbackVerdict = (await provider.callback?.({ headers, body }, job, context)) ?? {
      kind: 'hint',
    };
    if (verdict.kind !== 'accepted') return;
    hold(provider.id === 'fal' && script['signed'] === true, 'a callback that nobody signed was believed');
    const operation = JSON.stringify(verdict.operation);
    hold(!/https?:/.test(operation.replaceAll(base, '')), `a foreign address was taken over: ${operation}`);
  },
};

const NOW = 1_800_000_000_000;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const OWN_KEYS = { keys: [publicKey.export({ format: 'jwk' })] };

let keySet: unknown = OWN_KEYS;
let listening: Promise<string> | undefined;

/** Where the public keys are, and nothing else. */
function listen(jwks: unknown): Promise<string> {
  keySet = jwks ?? OWN_KEYS;
  listening ??= (async () => {
    const server = http.createServer((request, response) => {
      response.statusCode = request.url?.includes('jwks') ? 200 : 404;
      response.end(JSON.stringify(keySet));
    });
    server.listen(0, '127.0.0.1').unref();
    await once(server, 'listening');
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  })();
  return listening;
}

function signatureOf(body: Buffer): Record<string, string> {
  const parsed = toJsonValue(body);
  const named = isRecord(parsed) ? parsed['request_id'] : undefined;
  const requestId = typeof named === 'string' && named.length < 500 ? named : 'r1';
  const timestamp = String(NOW / 1000);
  const hash = createHash('sha256').update(body).digest('hex');
  const signature = sign(null, Buffer.from([requestId, 'u', timestamp, hash].join('\n')), privateKey);
  return {
    'x-fal-webhook-request-id': requestId,
    'x-fal-webhook-user-id': 'u',
    'x-fal-webhook-timestamp': timestamp,
    'x-fal-webhook-signature': signature.toString('hex'),
  };
}

function headersIn(value: unknown): Record<string, string | string[]> {
  const one = (header: unknown): string =>
    typeof header === 'string' ? header : toText(json(header ?? null));
  return Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).map(([name, header]) => [
      name.toLowerCase(),
      Array.isArray(header) ? header.map(one) : one(header),
    ]),
  );
}
