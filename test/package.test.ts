import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { page } from './support/docs.ts';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(await page('package.json'));
const packages: Record<string, Locked> = JSON.parse(await page('package-lock.json')).packages;
const locked = Object.entries(packages).filter(([path]) => path !== '');

describe('package.json', () => {
  it('pins every dependency exactly', () => {
    const pins = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    for (const pin of pins) assert.match(String(pin), /^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });
});

describe('package-lock.json', () => {
  it('has version and checksum of every package, and no address', () => {
    for (const [path, { version, integrity, resolved }] of locked) {
      assert.ok(version && integrity?.startsWith('sha512-'), path);
      assert.equal(resolved, undefined, path);
    }
  });

  it('has the packages of every platform: without them npm ci fails where one cannot be looked up', () => {
    const names = new Set(locked.map(([path]) => path.replace(/^.*node_modules\//, '')));
    for (const [path, { optionalDependencies = {} }] of locked) {
      for (const name of Object.keys(optionalDependencies)) {
        assert.ok(names.has(name), `${name}, wanted by ${path}`);
      }
    }
  });
});
