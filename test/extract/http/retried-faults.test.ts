import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serveHttp } from '../../support/http-servers.ts';
import {
  exits,
  FIRST,
  ids,
  LAST,
  PATH,
  rowsAt,
  SECOND,
  sendPage,
  windowOf,
  withClient,
} from './jobs-api.ts';
import { PASSING_FAULTS } from './passing-faults.ts';

const QUERIES = [FIRST, SECOND, LAST];

describe('a fault that passes', () => {
  for (const { name, respond } of PASSING_FAULTS) {
    it(`leaves no trace in the rows: ${name}`, async () => {
      const tried = new Set<number>();
      const server = serveHttp((response, request) => {
        const { offset } = windowOf(request);
        if (tried.has(offset)) return sendPage(response, request);
        tried.add(offset);
        return respond(response, request);
      });
      await withClient(server, {}, async (client, { seen }) => {
        const pages = await Promise.all(QUERIES.map((query) => client.fetchPage(query)));
        assert.deepEqual(
          pages.flatMap(ids),
          rowsAt(0, 250).map(({ id }) => id),
        );
        assert.equal(seen.length, 6);
        assert.equal(client.stats.requests, 6);
        assert.equal(client.stats.retries, 3);
      });
    });
  }
});

describe('a fault that stays', () => {
  for (const { name, respond, exitCode, says } of PASSING_FAULTS) {
    it(`ends with ${exitCode} after eight attempts: ${name}`, async () => {
      await withClient(serveHttp(respond), {}, async (client, { seen }) => {
        const request = `GET ${PATH} (offset 200)`;
        await assert.rejects(client.fetchPage(LAST), exits(exitCode, says, request));
        assert.equal(seen.length, 8);
      });
    });
  }
});
