/** This package, as manifests and `--version` name it. A test holds it equal to package.json. */
export const TOOL = { name: 'pasqal-jobs-export', version: '0.1.0' } as const;
