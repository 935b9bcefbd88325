/** How to sign in. Held in memory only; no part of it is ever logged or written. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: string;
      readonly endpoint: TokenEndpoint;
    }
  | {
      readonly kind: 'client';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly endpoint: TokenEndpoint;
    };

/** Where tokens come from. Source: shared facts of the platform's two regions, docs/api.md "Sign-in". */
export interface TokenEndpoint {
  readonly url: string;
  /** Public client id for password sign-in. */
  readonly publicClientId: string;
  readonly realm: string;
  readonly passwordGrant: string;
  readonly audience: string;
}
