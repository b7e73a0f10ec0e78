import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { Config } from '../config.js';
import { MeshwrightError } from '../errors.js';
import { isRecord } from '../json.js';

/**
 * The OAuth resource server (RFC 9068 tokens, RFC 9728 metadata): an access token is a JWT of the configured issuer,
 * signed with one of its published keys, made for this server. Nothing but a token's claims is believed.
 */

export interface OAuthSettings {
  /** The issuer's identifier, a URL, exactly as it stands in its tokens. */
  issuer: string;
  /** What `aud` must name: this server's own URL. */
  audience: string;
  /** Where the keys are; otherwise the issuer's metadata say so. */
  jwksUrl?: string | undefined;
  /** What a token must grant. */
  scope?: string | undefined;
}

/**
 * What the settings say of access tokens; `undefined` when none are taken.
 *
 * @throws MeshwrightError `configuration` when the audience is not known
 */
export function oauthFrom(config: Config): OAuthSettings | undefined {
  const { oauthIssuer: issuer, oauthAudience, oauthJwksUrl: jwksUrl, oauthScope: scope, publicUrl } = config;
  if (issuer === undefined) return undefined;
  const audience = oauthAudience ?? (publicUrl === undefined ? undefined : `${publicUrl}/mcp`);
  if (audience === undefined || !URL.canParse(audience)) {
    throw new MeshwrightError(
      'configuration',
      'MESHWRIGHT_OAUTH_ISSUER needs MESHWRIGHT_PUBLIC_URL, or MESHWRIGHT_OAUTH_AUDIENCE with the URL of this server: tokens for other servers must be refused.',
    );
  }
  return { issuer, audience, jwksUrl, scope };
}

export type TokenVerdict =
  | { kind: 'accepted'; subject: string; expiresAt: number }
  /** 401; `why` is for people. */
  | { kind: 'invalid'; why: string }
  /** 403 */
  | { kind: 'insufficient_scope'; scope: string }
  /** 503: the keys cannot be had. */
  | { kind: 'unavailable'; why: string };

/** Signed with a private key; a shared secret could be guessed or leaked by any resource server. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CLOCK_TOLERANCE_S = 30;
const MAX_TOKEN_CHARACTERS = 16_384;
const DISCOVERY_MS = 10_000;
const DISCOVERY_BYTES = 1024 * 1024;
/** After a failure the issuer is left alone for this long. */
const RETRY_MS = 10_000;

export class TokenVerifier {
  readonly #settings: OAuthSettings;
  #keys: JWTVerifyGetKey | undefined;
  #opening: Promise<JWTVerifyGetKey> | undefined;
  #failure: { until: number; why: string } | undefined;

  constructor(settings: OAuthSettings) {
    this.#settings = settings;
  }

  async verify(token: string): Promise<TokenVerdict> {
    if (token.length > MAX_TOKEN_CHARACTERS) return { kind: 'invalid', why: 'The token is too long.' };
    const { issuer, audience, scope } = this.#settings;
    let keys: JWTVerifyGetKey;
    try {
      keys = await this.#open();
    } catch (error) {
      return { kind: 'unavailable', why: error instanceof Error ? error.message : 'no answer' };
    }
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'sub'],
      });
      const { sub = '', exp = 0 } = payload;
      if (sub === '' || sub.length > 256) return { kind: 'invalid', why: 'The token names no subject.' };
      if (scope !== undefined && !grants(payload, scope)) return { kind: 'insufficient_scope', scope };
      return { kind: 'accepted', subject: sub, expiresAt: exp * 1000 };
    } catch (error) {
      return verdictOf(error);
    }
  }

  async #open(): Promise<JWTVerifyGetKey> {
    if (this.#keys) return this.#keys;
    if (this.#failure && Date.now() < this.#failure.until) throw new Error(this.#failure.why);
    this.#opening ??= this.#discover().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    try {
      const url = this.#settings.jwksUrl ?? (await jwksUrlOf(this.#settings.issuer));
      this.#keys = createRemoteJWKSet(new URL(url), { timeoutDuration: DISCOVERY_MS });
      return this.#keys;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#failure = { until: Date.now() + RETRY_MS, why };
      throw error;
    }
  }
}

/** `scope` is a list in one text (RFC 9068); some issuers write a list called `scp`. */
function grants(payload: Record<string, unknown>, wanted: string): boolean {
  const { scope, scp } = payload;
  const given = [scope, scp].flatMap((value) =>
    typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [],
  );
  return given.includes(wanted);
}

const FETCHING = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']);

function verdictOf(error: unknown): TokenVerdict {
  if (error instanceof errors.JWTExpired) return { kind: 'invalid', why: 'The token has expired.' };
  if (error instanceof errors.JWTClaimValidationFailed) {
    const what = { aud: 'audience', iss: 'issuer', nbf: 'time' }[error.claim] ?? error.claim;
    return { kind: 'invalid', why: `The token's ${what} is not what this server asks for.` };
  }
  // The generic kind is a key set that was not answered with 200.
  const fetching = error instanceof errors.JOSEError && FETCHING.has(error.code);
  if (fetching || !(error instanceof errors.JOSEError)) {
    return { kind: 'unavailable', why: "The issuer's keys cannot be fetched." };
  }
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
    ? { kind: 'invalid', why: 'The token is not signed by the issuer.' }
    : { kind: 'invalid', why: 'This is no access token of the issuer.' };
}

/**
 * RFC 8414 puts the well-known part before the issuer's path, OpenID Connect behind it.
 *
 * @throws MeshwrightError `configuration` when the issuer publishes no keys
 */
async function jwksUrlOf(issuer: string): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  for (const place of new Set(places)) {
    const metadata = await readJson(place);
    if (!isRecord(metadata)) continue;
    // RFC 8414 section 3.3: otherwise one issuer could speak for another.
    if (metadata['issuer'] !== issuer) continue;
    const url = metadata['jwks_uri'];
    if (typeof url === 'string' && URL.canParse(url)) return url;
  }
  throw new MeshwrightError(
    'configuration',
    `No metadata of the issuer ${issuer} name its keys; check MESHWRIGHT_OAUTH_ISSUER, or set MESHWRIGHT_OAUTH_JWKS_URL.`,
  );
}

async function readJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(DISCOVERY_MS) });
    if (!response.ok || !response.body) return undefined;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.byteLength;
      if (size > DISCOVERY_BYTES) return undefined;
      chunks.push(chunk);
    }
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return parsed;
  } catch {
    return undefined;
  }
}

/** RFC 9728. */
export function resourceMetadata({ issuer, audience, scope }: OAuthSettings): Record<string, unknown> {
  return {
    resource: audience,
    resource_name: 'meshwright',
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    ...(scope === undefined ? {} : { scopes_supported: [scope] }),
  };
}

/** The value of `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1). */
export function challenge(
  details: { metadataUrl?: string | undefined; scope?: string | undefined },
  verdict?: Exclude<TokenVerdict, { kind: 'accepted' | 'unavailable' }>,
): string {
  const parts: [string, string | undefined][] = [
    ['realm', 'meshwright'],
    ['resource_metadata', details.metadataUrl],
    ['error', verdict && (verdict.kind === 'invalid' ? 'invalid_token' : verdict.kind)],
    ['error_description', verdict?.kind === 'invalid' ? verdict.why : undefined],
    ['scope', details.scope],
  ];
  const shown = parts.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/[^\x20-\x7e]|["\\]/g, '')}"`],
  );
  return `Bearer ${shown.join(', ')}`;
}
