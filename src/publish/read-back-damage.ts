/** What is wrong with a file, said without a word of its content. */
export class Damage extends Error {
  override readonly name = 'Damage';
}
