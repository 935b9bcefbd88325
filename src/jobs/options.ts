export const REGION_NAMES = ['fr', 'sa'] as const;
export type Region = (typeof REGION_NAMES)[number];

/** Where tokens come from. Source: shared facts of the platform's two regions, docs/api.md "Sign-in". */
export interface TokenEndpoint {
  readonly url: string;
  /** Public client id for password sign-in. */
  readonly publicClientId: string;
  readonly realm: string;
  readonly passwordGrant: string;
  readonly audience: string;
}

type SignIn<Place> =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | (Place & { readonly kind: 'password'; readonly username: string; readonly password: string })
  | (Place & { readonly kind: 'client'; readonly clientId: string; readonly clientSecret: string });

/** How to sign in. Held in memory only; no part of it is ever logged or written. */
export type Credentials = SignIn<{ readonly endpoint: TokenEndpoint }>;

/** `Credentials` whose place to sign in, or parts of it, may be left to the region. */
export type GivenCredentials = SignIn<{ readonly endpoint?: Partial<TokenEndpoint> }>;

/** Proxies on the way to the API and to the place to sign in. */
export interface ProxySettings {
  /** For http and https URLs. A password in it is never shown. */
  readonly http?: string;
  readonly https?: string;
  /** Hosts that are reached without one, as in `NO_PROXY`. */
  readonly noProxy?: string;
}

const AUDIENCE = 'https://apis.pasqal.cloud/account/api/v1';

/** Where each region's API is, and where its tokens come from. Source: docs/api.md "Sign-in". */
export const REGIONS: Readonly<
  Record<Region, { readonly apiUrl: string; readonly endpoint: TokenEndpoint }>
> = {
  fr: {
    apiUrl: 'https://apis.pasqal.cloud/core-fast',
    endpoint: {
      url: 'https://pasqal.eu.auth0.com/oauth/token',
      publicClientId: 'PeZvo7Atx7IVv3iel59asJSb4Ig7vuSB',
      realm: 'pcs-users',
      passwordGrant: 'http://auth0.com/oauth/grant-type/password-realm',
      audience: AUDIENCE,
    },
  },
  sa: {
    apiUrl: 'https://apis.sa.pasqal.cloud/core-fast',
    endpoint: {
      url: 'https://auth.sa.pasqal.cloud/realms/pasqal-cloud/protocol/openid-connect/token',
      publicClientId: 'cloud-sdk',
      realm: 'pasqal-cloud',
      passwordGrant: 'password',
      audience: AUDIENCE,
    },
  },
};
