import type { IncomingMessage } from 'node:http';
import type { Config } from '../config.js';
import { LOCAL_PRINCIPAL } from '../open.js';
import { challenge, type OAuthSettings, TokenVerifier } from './oauth.js';
import type { Principal, Principals } from './principals.js';

/** Who is calling, or the refusal. */
export type Identity =
  { principal: Principal } | { status: 401 | 403 | 503; message: string; headers: Record<string, string> };

const HOW_TO = 'Send the header "Authorization: Bearer TOKEN" with a token of this server.';

export class Authenticator {
  readonly #config: Config;
  readonly #principals: Principals;
  readonly #oauth: OAuthSettings | undefined;
  readonly #verifier: TokenVerifier | undefined;
  readonly #metadataUrl: string | undefined;

  /** @param metadataUrl - where clients learn of the authorization server */
  constructor(
    config: Config,
    principals: Principals,
    oauth: OAuthSettings | undefined,
    metadataUrl: string | undefined,
  ) {
    this.#config = config;
    this.#principals = principals;
    this.#oauth = oauth;
    this.#verifier = oauth && new TokenVerifier(oauth);
    this.#metadataUrl = metadataUrl;
  }

  /** Whether a caller must have a token. */
  get isNeeded(): boolean {
    return this.#principals.areNamed || this.#verifier !== undefined;
  }

  async identify({ headers }: IncomingMessage): Promise<Identity> {
    // Nobody has a name here: whoever reaches this machine's loopback is its user.
    if (!this.isNeeded)
      return { principal: { name: LOCAL_PRINCIPAL, config: this.#config, mayReadMetrics: true } };
    const { authorization } = headers;
    if (authorization === undefined) return this.#refused(`This server asks who is calling. ${HOW_TO}`);
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
    if (token === undefined)
      return this.#refused(`The Authorization header has no bearer token. ${HOW_TO}`, true);
    const known = await this.#principals.byToken(token);
    if (known) return { principal: known };
    if (!this.#verifier) return this.#refused(`The token is unknown. ${HOW_TO}`, true);
    const verdict = await this.#verifier.verify(token);
    switch (verdict.kind) {
      case 'accepted': {
        // The issuer is part of the name: another one's "ada" is somebody else.
        const name = `${this.#oauth?.issuer ?? ''}#${verdict.subject}`;
        return { principal: { name, config: this.#config, mayReadMetrics: false } };
      }
      case 'insufficient_scope':
        return {
          status: 403,
          message: `The token does not grant "${verdict.scope}".`,
          headers: { 'www-authenticate': challenge(this.#details(), verdict) },
        };
      case 'unavailable':
        return {
          status: 503,
          message: `The token cannot be checked now: ${verdict.why}`,
          headers: { 'retry-after': '10' },
        };
      case 'invalid':
        return {
          status: 401,
          message: `${verdict.why} ${HOW_TO}`,
          headers: { 'www-authenticate': challenge(this.#details(), verdict) },
        };
    }
  }

  #refused(message: string, invalid = false): Identity {
    const verdict = invalid ? ({ kind: 'invalid', why: message } as const) : undefined;
    return { status: 401, message, headers: { 'www-authenticate': challenge(this.#details(), verdict) } };
  }

  #details(): { metadataUrl: string | undefined; scope: string | undefined } {
    return { metadataUrl: this.#metadataUrl, scope: this.#oauth?.scope };
  }
}
