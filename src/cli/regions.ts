import type { TokenEndpoint } from '../jobs/options.ts';
import type { Region } from '../jobs/pipeline.ts';

const AUDIENCE = 'https://apis.pasqal.cloud/account/api/v1';

/** Where each region's API is, and where its tokens come from. Source: docs/api.md "Sign-in". */
export const REGION_FACTS: Readonly<
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
