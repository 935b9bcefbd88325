// make build: bundles src/ and pipelines/ into dist/, beside the types. Why bundles: docs/decisions.md, "Start".
import { build } from 'esbuild';
import { PIPELINES, PROGRAM, THREADS } from './bundles.ts';

await Promise.all([PROGRAM, THREADS, PIPELINES].map((bundle) => build(bundle)));
