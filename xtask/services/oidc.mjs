// An OpenID provider on 127.0.0.1, for clients with a secret and no person: oidc.mjs MODULES PORT
//
// It is panva's oidc-provider, with a key and clients of our own. Each client's access token is a JWT for the audience
// `audit-log`, or for the one asked for (resource=urn:NAME), with what the client may do in its claim `roles`.
//
//     POST /rotate   is answered when the provider has another key and no longer the one it had

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, port] = process.argv.slice(2);
const secret = process.env.OIDC_SECRET;
const found = createRequire(join(modules, 'any.js')).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(found));

const issuer = `http://127.0.0.1:${port}`;
const roles = { orders: ['ingest'], prometheus: ['read'], guest: [] };

function provider() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', kid: randomBytes(8).toString('hex'), use: 'sig' };
  return new Provider(issuer, {
    clients: Object.keys(roles).map((name) => ({
      client_id: name,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    extraTokenClaims: (context, token) => ({ roles: roles[token.clientId] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:audit-log',
        getResourceServerInfo: (context, resource) => ({
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          audience: resource.replace('urn:', ''),
          jwt: { sign: { alg: 'RS256' } },
          scope: '',
        }),
      },
    },
    jwks: { keys: [key] },
  }).callback();
}

let answer = provider();
createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    answer = provider();
    response.end();
  } else {
    answer(request, response);
  }
}).listen(Number(port), '127.0.0.1');
