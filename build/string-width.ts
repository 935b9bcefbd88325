/**
 * Stands in for the package `string-width` in the bundles, where yargs lays out `--help` with it. The package compiles
 * tables of every emoji when it is loaded, which takes longer than loading all else that `--help` needs.
 *
 * @returns code points, which is what printable text without East Asian characters and emoji is wide
 */
export default function stringWidth(text: string): number {
  return [...text].length;
}
