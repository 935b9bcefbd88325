/**
 * Stands in for `escalade/sync` in the bundles. yargs looks with it for the package.json of the program, and takes
 * settings from there; out of a bundle it would find the one of the folder that somebody happens to work in.
 */
export default function findUp(): string {
  return '';
}
