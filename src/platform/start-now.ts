/**
 * Starts an iteration at once: its first request is under way before anybody asks for the first value. A failure shows
 * when the first value is asked for. Whoever does not iterate to the end must call `return`, as `for await` does.
 */
export function startNow<T>(source: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let first: Promise<IteratorResult<T, void>> | undefined = source.next();
  first.catch(() => {});
  const started: AsyncGenerator<T, void> = {
    next() {
      const result = first ?? source.next();
      first = undefined;
      return result;
    },
    return: (value) => source.return(value),
    throw: (error) => source.throw(error),
    [Symbol.asyncIterator]: () => started,
  };
  return started;
}
