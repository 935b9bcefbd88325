type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The same object without what is undefined: an optional property is absent or has a value, nothing between. */
export function defined<T extends object>(given: T): Defined<T> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  // Filtering entries is beyond what the type checker follows; the types above say exactly what it does.
  return Object.fromEntries(entries) as Defined<T>;
}
