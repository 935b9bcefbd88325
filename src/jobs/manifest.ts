/** How completeness was proven, or why it could not be. docs/completeness.md explains each word. */
export type ProofMethod = 'seams' | 'counts' | 'ties' | 'rewalk' | 'none';

export interface Completeness {
  /** True only when it was proven that every job which existed during the whole run is in the snapshot. */
  readonly proven: boolean;
  readonly method: ProofMethod;
  /** One sentence for people: what was seen, and why that is or is not a proof. */
  readonly reason: string;
  /** Joints between windows: how many were checked, repaired on the spot, left broken, re-read whole inside ties. */
  readonly seams: {
    readonly checked: number;
    readonly repaired: number;
    readonly broken: number;
    readonly spanned: number;
  };
  /** Signs that the list changed under the walk. */
  readonly drift: boolean;
  /** Null when no reconciliation was needed. */
  readonly reconciled: {
    readonly requests: number;
    /** Jobs found that the walk had lost. */
    readonly found: number;
    /** Jobs in hand that the server no longer has. */
    readonly deleted: number;
    /** Full walks after the first. */
    readonly rewalks: number;
  } | null;
}
